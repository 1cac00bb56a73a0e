package trafficpolicy_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.dev/platform/trafficpolicy"
)

const firewallPolicy = "on_http_request: [{actions: [{type: owasp-crs-request}]}]"

// TestFirewallsAreShared: the rules are compiled once for each configuration,
// which shows in the time it takes.
func TestFirewallsAreShared(t *testing.T) {
	first := compile(t, firewallPolicy)
	start := time.Now()
	for range 50 {
		compile(t, firewallPolicy)
	}
	if took := time.Since(start); took > 250*time.Millisecond { // compiled anew, each would take 15 ms at least
		t.Errorf("50 more policies took %s", took)
	}
	runtime.KeepAlive(first)
}

// TestFirewallServesManyGoroutines is for the race detector.
func TestFirewallServesManyGoroutines(t *testing.T) {
	p := compile(t, firewallPolicy)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for range 20 {
				in := exchange()
				want := 200
				if i%2 == 1 {
					in.Request.Target, want = "/?q=<script>alert(1)</script>", 403
				}
				run := p.Start(in, trafficpolicy.Services{})
				out, err := run.OnRequest(t.Context())
				run.Release()
				if err != nil || (out == nil) != (want == 200) || out != nil && out.Response.Status != want {
					t.Errorf("outcome %+v, %v; want %d", out, err, want)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkFirewall(b *testing.B) {
	policy, problems := trafficpolicy.Compile(firewallPolicy)
	if policy == nil {
		b.Fatal(problems)
	}
	in := exchange()
	b.ReportAllocs()
	for b.Loop() {
		run := policy.Start(in, trafficpolicy.Services{})
		if out, err := run.OnRequest(b.Context()); out != nil || err != nil {
			b.Fatal(out, err)
		}
		run.Release()
	}
}

// TestFirewallBodyThatCannotBeRead answers 500, or goes on when the policy says
// so.
func TestFirewallBodyThatCannotBeRead(t *testing.T) {
	const source = "on_http_request: [{actions: [{type: owasp-crs-request, config: {process_body: true}}]}]"
	for want, source := range map[trafficpolicy.Code]string{
		trafficpolicy.CodeWAF: source,
		"":                    strings.Replace(source, "true", "true, on_error: continue", 1),
	} {
		in := exchange()
		in.Request.Method, in.Request.Body = "POST", brokenBody{}
		run := compile(t, source).Start(in, trafficpolicy.Services{})
		out, err := run.OnRequest(t.Context())
		got := trafficpolicy.Code("")
		if out != nil {
			got = out.ErrorCode
		}
		if err != nil || got != want {
			t.Errorf("outcome %+v, %v; want %q", out, err, want)
		}
		if fact := run.Facts().OWASPRequest; fact != "error" {
			t.Errorf("fact %q", fact)
		}
		if _, err := in.Request.Body.Read(make([]byte, 10)); err == nil {
			t.Error("the upstream does not learn that the body is broken")
		}
		run.Release()
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errBroken }
func (brokenBody) Close() error             { return nil }

var errBroken = errors.New("the body broke off")
