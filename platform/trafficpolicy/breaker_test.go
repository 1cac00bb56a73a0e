package trafficpolicy_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

const breakerPolicy = "on_http_request: [{actions: [{type: circuit-breaker, config: {volume_threshold: 2, error_threshold: 1}}]}]"

// through sends a request through a policy; status 0 is an upstream that does
// not answer.
func through(ctx context.Context, t *testing.T, p *trafficpolicy.Policy, in trafficpolicy.Input, svc trafficpolicy.Services, status int) string {
	t.Helper()
	run := p.Start(in, svc)
	defer run.Release()
	out, err := run.OnRequest(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if out == nil && status != 0 {
		if !p.Has(trafficpolicy.OnHTTPResponse) {
			t.Fatal("the response phase is skipped")
		}
		if out, err := run.OnResponse(ctx, message.NewResponse(status, nil, "")); out != nil || err != nil {
			t.Fatal(out, err)
		}
	}
	return run.Facts().CircuitBreaker
}

func TestBreakersOutliveThePolicy(t *testing.T) {
	now := clock.NewFake(noon)
	svc := trafficpolicy.Services{Breakers: trafficpolicy.NewBreakers(now.Now)}
	ctx := t.Context()
	try := func(what, source string, in trafficpolicy.Input, status int, want string) {
		t.Helper()
		if got := through(ctx, t, compile(t, source), in, svc, status); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	other := exchange()
	other.Endpoint = &message.Endpoint{ID: "ep_2"}
	try("first error", breakerPolicy, exchange(), 500, "allow")
	try("second error", breakerPolicy, exchange(), 0, "allow")
	try("open, for the same policy compiled again", breakerPolicy, exchange(), 200, "block")
	try("another endpoint", breakerPolicy, other, 200, "allow")
	try("other settings", "on_http_request: [{actions: [{type: circuit-breaker}]}]", exchange(), 200, "allow")
	now.Advance(10 * time.Second)
	try("a try", breakerPolicy, exchange(), 200, "allow_while_open")
	try("closed", breakerPolicy, exchange(), 200, "allow")
	if n := svc.Breakers.Len(); n != 3 {
		t.Errorf("%d breakers, want 3", n)
	}
	now.Advance(11 * time.Minute)
	try("much later", breakerPolicy, exchange(), 200, "allow")
	if n := svc.Breakers.Len(); n != 1 {
		t.Errorf("%d breakers are kept, want 1", n)
	}
}

func TestBreakerOfThePolicyItself(t *testing.T) {
	p := compile(t, breakerPolicy)
	for _, want := range []string{"allow", "allow", "block"} {
		if got := through(t.Context(), t, p, exchange(), trafficpolicy.Services{}, 500); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestClientsThatLeaveAreNoErrors: the upstream could not answer them.
func TestClientsThatLeaveAreNoErrors(t *testing.T) {
	p := compile(t, breakerPolicy)
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		run := p.Start(exchange(), trafficpolicy.Services{})
		out, err := run.OnRequest(ctx)
		cancel()
		if out != nil || err != nil || run.Facts().CircuitBreaker != "allow" {
			t.Errorf("outcome %+v, %v", out, err)
		}
		run.Release()
	}
}

// TestOneTryAtATime while the breaker is half open.
func TestOneTryAtATime(t *testing.T) {
	now := clock.NewFake(noon)
	svc := trafficpolicy.Services{Breakers: trafficpolicy.NewBreakers(now.Now)}
	p := compile(t, breakerPolicy)
	for range 2 {
		through(t.Context(), t, p, exchange(), svc, 500)
	}
	now.Advance(10 * time.Second)
	first := p.Start(exchange(), svc)
	if out, err := first.OnRequest(t.Context()); out != nil || err != nil {
		t.Fatal(out, err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got := through(context.Background(), t, p, exchange(), svc, 200); got != "block" {
				t.Errorf("%q while another is tried", got)
			}
		})
	}
	group.Wait()
	first.Release() // without an answer: it failed
	now.Advance(9 * time.Second)
	if got := through(t.Context(), t, p, exchange(), svc, 200); got != "block" {
		t.Errorf("%q after a try that failed", got)
	}
}
