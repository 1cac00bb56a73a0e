package trafficpolicy

import (
	"context"
	"strconv"
	"time"
)

func init() {
	register(ActionInfo{
		Type: "circuit-breaker",
		Summary: "Answers 503 without asking the upstream while too many requests fail: those that it answers with a 5xx status or not at all. " +
			"After a while one request at a time is let through; when it succeeds, all are again.",
		Phases:      []Phase{OnHTTPRequest},
		Terminating: Sometimes,
		Fields: []Field{
			{Name: "error_threshold", Kind: Number, Default: 0.5, Min: 0, Max: 1, Description: "Share of failing requests that opens the breaker; with 0 a single one does."},
			{Name: "volume_threshold", Kind: Integer, Default: int64(10), Min: 1, Max: 2_000_000_000, Description: "Requests that the window must hold before it can open."},
			{Name: "window_duration", Kind: Duration, Default: 10 * time.Second, Min: int64(time.Second), Max: int64(2 * time.Minute), Description: "How far back requests count."},
			{Name: "tripped_duration", Kind: Duration, Default: 10 * time.Second, Min: int64(time.Second), Max: int64(2 * time.Minute), Description: "How long it stays open before the upstream is tried again."},
			{Name: "num_buckets", Kind: Integer, Default: int64(breakerBuckets), Min: breakerBuckets, Max: breakerBuckets, Description: "Parts that the window moves in. Fixed."},
			{Name: "enforce", Kind: Boolean, Default: true, Description: "false counts, and never refuses."},
		},
	}, newCircuitBreaker)
}

type circuitBreaker struct {
	name     string // of this action within the policy
	settings breakerSettings
	enforce  bool
	own      *Breakers // for runs without a store: the state ends with the policy
}

func newCircuitBreaker(c *config) action {
	c.compiler.observes = true
	return &circuitBreaker{name: c.path, enforce: c.boolean("enforce"), own: NewBreakers(nil), settings: breakerSettings{
		errorThreshold: c.number("error_threshold"), volumeThreshold: c.integer("volume_threshold"),
		window: c.duration("window_duration"), tripped: c.duration("tripped_duration"),
	}}
}

func (a *circuitBreaker) run(_ context.Context, r *Run) (*Outcome, error) {
	store := r.services.Breakers
	if store == nil {
		store = a.own
	}
	b := store.find(breakerKey{r.vars.Endpoint.ID, a.name, a.settings})
	decision, wait := b.admit()
	r.facts.CircuitBreaker = decision
	if decision != breakerBlock {
		r.admissions = append(r.admissions, admission{b, decision})
		return nil, nil //nolint:nilnil // the phase goes on
	}
	if !a.enforce {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	out := refuse(CodeCircuitOpen)
	out.Response.Header.Add("retry-after", strconv.FormatInt(seconds(wait), 10))
	return out, nil
}

// admission is a request that a circuit breaker let through.
type admission struct {
	breaker  *breaker
	decision string
}

// upstreamAnswered reports the answer's status to the breakers.
func (r *Run) upstreamAnswered(status int) {
	for _, a := range r.admissions {
		a.breaker.report(a.decision, status >= 500)
	}
	r.admissions = r.admissions[:0]
}

// settle reports what is still open when the exchange ends: a request that went
// to the upstream and came to nothing failed there, unless its client went away.
func (r *Run) settle() {
	for _, a := range r.admissions {
		if r.sentOn && r.ctx.Err() == nil {
			a.breaker.report(a.decision, true)
		} else {
			a.breaker.abandon(a.decision)
		}
	}
	clear(r.admissions)
	r.admissions = r.admissions[:0]
}
