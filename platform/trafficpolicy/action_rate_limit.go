package trafficpolicy

import (
	"context"
	"errors"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
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
			{Name: "headers", Kind: Boolean, Default: true, Description: "Tell clients the limit and what is left of it, in the response fields RateLimit-Policy and RateLimit. With enforce: false nothing is told."},
		},
		Results: []ResultInfo{
			{"bucket_key", cel.StringType, "The bucket of this request."},
			{"limited", cel.BoolType, "Whether the request exceeds the limit."},
			{"error.code", cel.StringType, "Code of the refusal."},
			{"error.message", cel.StringType, "Text of the refusal."},
		},
	}, newRateLimit)
}

type rateLimit struct {
	slot    int
	query   RateLimitQuery // without endpoint and bucket
	keys    []bucketKey
	enforce bool
	fields  *limitFields // nil: clients are not told
}

func newRateLimit(c *config) action {
	a := &rateLimit{
		slot: c.spec.slot,
		query: RateLimitQuery{
			Name: c.word("name"), Algorithm: c.word("algorithm"), Capacity: c.integer("capacity"),
			Rate: c.get("rate").duration, OnStoreError: StoreErrorMode(c.word("on_store_error")),
		},
		keys:    c.bucketKeys(),
		enforce: c.boolean("enforce"),
	}
	if a.enforce && c.boolean("headers") {
		a.fields = newLimitFields(a.query)
		c.compiler.observes = true
	}
	return a
}

func (a *rateLimit) run(ctx context.Context, r *Run) (*Outcome, error) {
	bucket, counted, err := r.bucket(a.keys)
	if err != nil {
		return nil, &failure{CodeEvaluation, err}
	}
	query := a.query
	query.EndpointID, query.Bucket = r.vars.Endpoint.ID, counted
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
	if err == nil && a.fields != nil {
		r.limits = append(r.limits, limitState{a.fields, verdict})
	}
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

func (a *rateLimit) publish(r *Run, bucket string, allowed bool, code Code) {
	var errorCode, message ref.Val
	if !allowed {
		errorCode, message = types.String(code), types.String(code.info().Meaning)
	}
	r.vars.Publish(a.slot, types.String(bucket), types.Bool(!allowed), errorCode, message)
}
