package trafficpolicy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/trafficpolicy/expr"
)

func init() {
	register(ActionInfo{
		Type:        "rate-limit",
		Summary:     "Admits at most so many requests per bucket in any window of the given length; more are answered 429.",
		Phases:      []Phase{OnHTTPRequest},
		Terminating: Sometimes,
		Fields: []Field{
			{Name: "name", Kind: Text, Required: true, Min: 1, Max: 1023, Description: "Names the limit in records; part of the bucket.", Example: "per-host"},
			{Name: "algorithm", Kind: Enum, Required: true, Values: []string{"sliding_window"}, Description: "How requests are counted.", Example: "sliding_window"},
			{Name: "capacity", Kind: Integer, Required: true, Min: 1, Max: 2_000_000_000, Description: "Requests admitted in a window.", Example: "100"},
			{Name: "rate", Kind: Duration, Required: true, Min: int64(time.Minute), Max: int64(24 * time.Hour), Step: 10 * time.Second, Description: "Length of the window.", Example: "60s"},
			{Name: "bucket_key", Kind: Expressions, Required: true, Min: 1, Max: 10, Description: "Requests with the same values share a bucket. Expressions, without ${}.", Example: "[conn.client_ip]"},
			{Name: "enforce", Kind: Boolean, Default: true, Description: "false counts and publishes, and never refuses."},
			{Name: "on_store_error", Kind: Enum, Default: "local", Values: []string{"local", "allow", "deny"},
				Description: "What to do when the shared counter does not answer in time: limit by this proxy's own count, admit, or answer 503."},
		},
		Results: []ResultInfo{
			{"bucket_key", cel.StringType, "The bucket of this request."},
			{"limited", cel.BoolType, "Whether the request exceeds the limit."},
			{"error.code", cel.StringType, "Code of the refusal."},
			{"error.message", cel.StringType, "Text of the refusal."},
		},
	}, newRateLimit)
}

// maxBucket bounds what one client can make the counters remember.
const maxBucket = 1 << 10 // bytes

type rateLimit struct {
	slot    int
	query   RateLimitQuery // without endpoint and bucket
	keys    []*expr.Program
	enforce bool
}

func newRateLimit(c *config) action {
	return &rateLimit{
		slot: c.spec.slot,
		query: RateLimitQuery{
			Name: c.word("name"), Algorithm: c.word("algorithm"), Capacity: c.integer("capacity"),
			Rate: c.get("rate").duration, OnStoreError: StoreErrorMode(c.word("on_store_error")),
		},
		keys:    c.get("bucket_key").programs,
		enforce: c.boolean("enforce"),
	}
}

func (a *rateLimit) run(ctx context.Context, r *Run) (*Outcome, error) {
	bucket, err := a.bucket(r)
	if err != nil {
		return nil, &failure{CodeEvaluation, err}
	}
	query := a.query
	query.EndpointID, query.Bucket = r.vars.Endpoint.ID, bucket
	verdict, err := take(ctx, r, query)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	fact := RateLimitFacts{Decision: "allow", Name: query.Name, BucketKey: bucket, Capacity: query.Capacity, Rate: query.Rate,
		Remaining: verdict.Remaining, RetryAfter: verdict.RetryAfter, Local: verdict.Local, Enforced: a.enforce}
	code := CodeRateLimited
	if err != nil {
		fact.Decision, code = "unknown", CodeCounterUnknown
		verdict = RateLimitVerdict{Allowed: query.OnStoreError != StoreErrorDeny, RetryAfter: time.Second}
	} else if !verdict.Allowed {
		fact.Decision = "block"
	}
	if r.facts.RateLimit.Decision != "block" {
		r.facts.RateLimit = fact
	}
	a.publish(r, bucket, verdict.Allowed, code)
	if verdict.Allowed || !a.enforce {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	out := refuse(code)
	out.Response.Header.Add("retry-after", strconv.FormatInt(seconds(verdict.RetryAfter), 10))
	out.Cause = err
	return out, nil
}

var errNoLimiter = errors.New("no rate limiter is configured")

func take(ctx context.Context, r *Run, q RateLimitQuery) (RateLimitVerdict, error) {
	if r.services.RateLimiter == nil {
		return RateLimitVerdict{}, errNoLimiter
	}
	return r.services.RateLimiter.Take(ctx, q)
}

// bucket is one text for each distinct tuple of key values.
func (a *rateLimit) bucket(r *Run) (string, error) {
	b := r.scratch[:0]
	b = append(b, '[')
	for i, key := range a.keys {
		val, err := key.Eval(&r.vars)
		if err != nil {
			return "", err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = expr.AppendCanonical(b, val)
	}
	b = append(b, ']')
	r.scratch = b
	if len(b) > maxBucket {
		sum := sha256.Sum256(b)
		return "sha256:" + hex.EncodeToString(sum[:]), nil
	}
	return string(b), nil
}

func (a *rateLimit) publish(r *Run, bucket string, allowed bool, code Code) {
	var errorCode, message ref.Val
	if !allowed {
		errorCode, message = types.String(code), types.String(code.info().Meaning)
	}
	r.vars.Publish(a.slot, types.String(bucket), types.Bool(!allowed), errorCode, message)
}

// seconds rounds up and is at least 1, as Retry-After wants (RFC 9110 section
// 10.2.3).
func seconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}
