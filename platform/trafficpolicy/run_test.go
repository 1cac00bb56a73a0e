package trafficpolicy_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/policytest"
)

func compile(t *testing.T, source string) *trafficpolicy.Policy {
	t.Helper()
	p, problems := trafficpolicy.Compile(source)
	if p == nil {
		t.Fatalf("refused:\n%s", lines(problems))
	}
	return p
}

type limiter func(trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error)

func (l limiter) Take(_ context.Context, q trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
	return l(q)
}

type secrets string

func (s secrets) Secret(context.Context, string, string) (string, error) { return string(s), nil }

const traced = `
on_http_request:
  - name: skipped
    expressions: ["true", "req.method == 'POST'"]
    actions: [{type: deny}]
  - name: login
    actions:
      - {type: set-vars, config: {vars: [{t: "${secrets.get('a', 'b')}"}]}}
      - {type: add-headers, name: label, config: {headers: {x-token: "Bearer ${vars.t}"}}}
  - actions: [{type: custom-response, config: {body: ok}}, ]
on_http_response:
  - actions: [{type: log, config: {metadata: {leak: "${secrets.get('a', 'b')}"}}}]
`

func TestTraceTellsWhatHappenedWithoutSecrets(t *testing.T) {
	run := compile(t, traced).Start(exchange(), trafficpolicy.Services{Secrets: secrets("hunter2hunter2")})
	defer run.Release()
	out, err := run.OnRequest(t.Context())
	if err != nil || out == nil || !out.RunResponsePhase || out.Rule != "on_http_request[2]" || out.Action != "custom-response" {
		t.Fatalf("outcome %+v, %v", out, err)
	}
	if again, err := run.OnResponse(t.Context(), out.Response); again != nil || err != nil {
		t.Fatal(again, err)
	}
	want := trafficpolicy.Trace{
		Phases: []trafficpolicy.PhaseTrace{
			{Phase: trafficpolicy.OnHTTPRequest, Rules: []trafficpolicy.RuleTrace{
				{Index: 0, Name: "skipped", False: "req.method == 'POST'"},
				{Index: 1, Name: "login", Matched: true, Actions: []trafficpolicy.ActionTrace{{Index: 0, Type: "set-vars"}, {Index: 1, Type: "add-headers", Name: "label",
					Results: []trafficpolicy.ResultTrace{{Name: "headers_added", Value: map[string]any{"x-token": "Bearer ***"}}}}}},
				{Index: 2, Matched: true, Actions: []trafficpolicy.ActionTrace{{Type: "custom-response", Decided: true}}},
			}},
			{Phase: trafficpolicy.OnHTTPResponse, Rules: []trafficpolicy.RuleTrace{{Matched: true, Actions: []trafficpolicy.ActionTrace{{Type: "log",
				Results: []trafficpolicy.ResultTrace{{Name: "metadata", Value: map[string]any{"leak": "***"}}}}}}}},
		},
	}
	got := run.Trace()
	ignore := cmp.Options{cmpopts.IgnoreFields(trafficpolicy.PhaseTrace{}, "Duration"), cmpopts.IgnoreFields(trafficpolicy.RuleTrace{}, "Duration"), cmpopts.IgnoreFields(trafficpolicy.ActionTrace{}, "Duration")}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
	for _, a := range got.Phases[0].Rules[1].Actions {
		if a.Duration <= 0 || a.Duration > got.Phases[0].Rules[1].Duration {
			t.Errorf("%s took %s", a.Type, a.Duration)
		}
	}
	if all := got.Results(); len(all) != 2 || all["log.metadata"] == nil {
		t.Errorf("results %v", all)
	}
	if logs := run.Facts().Logs; len(logs) != 1 || logs[0]["leak"] != "***" {
		t.Errorf("the log shows the secret: %v", logs)
	}
}

func TestFailureIsTracedAndNamed(t *testing.T) {
	const source = "on_http_request:\n  - name: n\n    expressions: [\"int(secrets.get('a', 'b').split('-')[5]) > 1\"]\n    actions: [{type: deny}]\n"
	run := compile(t, source).Start(exchange(), trafficpolicy.Services{Secrets: secrets("hunter2hunter2")})
	defer run.Release()
	out, err := run.OnRequest(t.Context())
	if err != nil || out.Response.Status != 500 || out.ErrorCode != trafficpolicy.CodeEvaluation || out.Cause == nil || out.Action != "" {
		t.Fatalf("outcome %+v, %v", out, err)
	}
	rule := run.Trace().Phases[0].Rules[0]
	if rule.Error == "" || rule.Matched || strings.Contains(rule.Error, "hunter2") {
		t.Errorf("trace %+v", rule)
	}
	if code := run.Facts().ErrorCode; code != trafficpolicy.CodeEvaluation {
		t.Errorf("facts: %s", code)
	}
}

func TestRateLimitQueryAndFacts(t *testing.T) {
	var asked trafficpolicy.RateLimitQuery
	svc := trafficpolicy.Services{RateLimiter: limiter(func(q trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
		asked = q
		return trafficpolicy.RateLimitVerdict{Allowed: true, Remaining: 29}, nil
	})}
	run := compile(t, seed).Start(exchange(), svc)
	defer run.Release()
	if out, err := run.OnRequest(t.Context()); out != nil || err != nil {
		t.Fatal(out, err)
	}
	want := trafficpolicy.RateLimitQuery{EndpointID: "ep_1", Name: "per-host", Algorithm: "sliding_window", Capacity: 30, Rate: 60e9, Bucket: `[["api.example.com"]]`, OnStoreError: "local"}
	if asked != want {
		t.Errorf("asked %+v, want %+v", asked, want)
	}
	fact := trafficpolicy.RateLimitFacts{Decision: "allow", Name: "per-host", BucketKey: want.Bucket, Capacity: 30, Rate: 60e9, Remaining: 29, Enforced: true}
	if got := run.Facts().RateLimit; got != fact {
		t.Errorf("facts %+v, want %+v", got, fact)
	}
}

func TestCompressionIsCounted(t *testing.T) {
	in := exchange()
	in.Request.Header.Add("Accept-Encoding", "gzip")
	run := compile(t, "on_http_response: [{actions: [{type: compress-response}]}]").Start(in, trafficpolicy.Services{})
	defer run.Release()
	res := message.NewResponse(200, nil, strings.Repeat("all the same ", 1000))
	if out, err := run.OnResponse(t.Context(), res); out != nil || err != nil {
		t.Fatal(out, err)
	}
	sent, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := trafficpolicy.CompressionFacts{Algorithm: "gzip", BytesSaved: int64(13000 - len(sent))}
	if got := run.Facts().Compression; got != want || res.ContentLength != -1 {
		t.Errorf("facts %+v, want %+v; length %d", got, want, res.ContentLength)
	}
}

func TestLongBucketsAreHashed(t *testing.T) {
	var buckets []string
	svc := trafficpolicy.Services{RateLimiter: limiter(func(q trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
		buckets = append(buckets, q.Bucket)
		return trafficpolicy.RateLimitVerdict{Allowed: true}, nil
	})}
	p := compile(t, seed)
	for _, host := range []string{strings.Repeat("a", 5000), strings.Repeat("a", 5000) + "b"} {
		in := exchange()
		in.Request.Host = host
		run := p.Start(in, svc)
		if _, err := run.OnRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		run.Release()
	}
	if len(buckets[0]) > 100 || !strings.HasPrefix(buckets[0], "sha256:") || buckets[0] == buckets[1] {
		t.Errorf("buckets %q", buckets)
	}
}

func TestEndOfContextIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	svc := trafficpolicy.Services{RateLimiter: limiter(func(trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
		cancel()
		return trafficpolicy.RateLimitVerdict{}, ctx.Err()
	})}
	run := compile(t, seed).Start(exchange(), svc)
	defer run.Release()
	if out, err := run.OnRequest(ctx); out != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("outcome %+v, %v", out, err)
	}
}

// TestConnectPhaseCloses: also when the run already knows the request, as where
// only a request shows which endpoint a connection is for.
func TestConnectPhaseCloses(t *testing.T) {
	for _, source := range []string{
		"on_tcp_connect: [{actions: [{type: deny}]}]",
		"on_tcp_connect: [{actions: [{type: restrict-ips, config: {allow: [10.0.0.0/8]}}]}]",
		"on_tcp_connect: [{expressions: [conn.geo.city == 'x'], actions: [{type: log, config: {metadata: {}}}]}]",
	} {
		run := compile(t, source).Start(exchange(), trafficpolicy.Services{})
		if out, err := run.OnTCPConnect(t.Context()); err != nil || out == nil || !out.Close || out.Response != nil || out.ErrorCode == "" {
			t.Errorf("%s: outcome %+v, %v", source, out, err)
		}
		run.Release()
	}
}

func TestWithoutPolicyEverythingContinues(t *testing.T) {
	var none *trafficpolicy.Policy
	run := none.Start(exchange(), trafficpolicy.Services{})
	defer run.Release()
	for _, step := range []func() (*trafficpolicy.Outcome, error){
		func() (*trafficpolicy.Outcome, error) { return run.OnTCPConnect(t.Context()) },
		func() (*trafficpolicy.Outcome, error) { return run.OnRequest(t.Context()) },
		func() (*trafficpolicy.Outcome, error) {
			return run.OnResponse(t.Context(), message.NewResponse(200, nil, ""))
		},
	} {
		if out, err := step(); out != nil || err != nil {
			t.Error(out, err)
		}
	}
}

// TestOnePolicyServesManyGoroutines is for the race detector.
func TestOnePolicyServesManyGoroutines(t *testing.T) {
	p := compile(t, traced)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				run := p.Start(exchange(), trafficpolicy.Services{Secrets: secrets("hunter2hunter2")})
				out, err := run.OnRequest(context.Background())
				if err != nil || out == nil || out.Response.Status != 200 {
					t.Errorf("outcome %+v, %v", out, err)
				}
				run.Release()
			}
		})
	}
	group.Wait()
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{seed, threeExpressions, traced, "on_http_request: &a [*a]", `{"on_http_request": [{"actions": [{"type": "deny", "config": {"status_code": 1}}]}]}`,
		"inbound:\n  - expressions:\n      - ! a\n", "on_http_request:\n  - actions: [{type: set-vars, config: {vars: [{a: [1, {b: \"${req.host}\"}]}]}}]"} {
		f.Add(s)
	}
	files, _ := filepath.Glob("testdata/policies/*.yaml")
	for _, file := range files {
		if suite, err := policytest.LoadFile(file); err == nil {
			f.Add(suite.Policy)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, problems := trafficpolicy.Compile(text)
		if (p == nil) == (len(problems.Errors()) == 0) {
			t.Errorf("policy %v with problems %v", p, problems)
		}
		for _, problem := range problems {
			if problem.Line < 1 || problem.Column < 1 || problem.Message == "" || problem.Code == "" {
				t.Errorf("incomplete problem %+v", problem)
			}
		}
		if p == nil {
			return
		}
		run := p.Start(exchange(), trafficpolicy.Services{RateLimiter: admit{}})
		defer run.Release()
		if _, err := run.OnRequest(context.Background()); err != nil {
			t.Errorf("run: %v", err)
		}
		_ = run.Trace()
	})
}
