package trafficpolicy_test

import (
	"strings"
	"testing"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

const forwards = `
on_http_request:
  - name: first
    expressions: ["true"]
    actions:
      - {type: set-vars, config: {vars: [{before: kept}]}}
      - {type: forward-internal, config: {url: "https://One.internal", on_error: continue}}
      - {type: add-headers, config: {headers: {x-failed: "${actions.ngrok.forward_internal.url} ${actions.ngrok.forward_internal.error.code} ${vars.before}"}}}
  - expressions: ["has(actions.ngrok.forward_internal.error.message)"]
    actions: [{type: forward-internal, config: {url: "http://${req.url.path.split('/')[1]}.internal:8080", on_error: continue, binding: internal}}]
  - name: last
    actions: [{type: forward-internal, config: {url: "https://three.internal/"}}]
on_http_response:
  - actions: [{type: add-headers, config: {headers: {x-through: "1"}}}]
`

func TestForwardAndFallBack(t *testing.T) {
	in := exchange()
	in.Request.Target, in.Hops = "/two/x", 3
	run := compile(t, forwards).Start(in, trafficpolicy.Services{})
	defer run.Release()
	out, err := run.OnRequest(t.Context())
	down := trafficpolicy.ForwardFailure{Code: "SLUICE_3200", Status: 404, Message: "offline"}
	for _, want := range []trafficpolicy.Forward{
		{URL: "https://one.internal:443", Scheme: "https", Host: "one.internal", Port: 443, Hops: 4},
		{URL: "http://two.internal:8080", Scheme: "http", Host: "two.internal", Port: 8080, Hops: 4},
		{URL: "https://three.internal:443", Scheme: "https", Host: "three.internal", Port: 443, Hops: 4},
	} {
		if err != nil || out == nil || out.Forward == nil || *out.Forward != want || out.ErrorCode != "" || run.Facts().Forward != want.URL {
			t.Fatalf("outcome %+v, %v; want %+v", out, err, want)
		}
		out, err = run.ForwardFailed(t.Context(), down)
	}
	if err != nil || out.Forward != nil || out.Response.Status != 404 || out.ErrorCode != "SLUICE_3200" || out.Rule != "last" || out.Action != "forward-internal" || run.Facts().Forward != "" {
		t.Fatalf("outcome %+v, %v", out, err)
	}
	if got := in.Request.Header.Get("x-failed"); got != "https://one.internal:443 SLUICE_3200 kept" {
		t.Errorf("x-failed: %q", got)
	}
	rules := run.Trace().Phases[0].Rules
	if len(rules) != 3 || len(rules[0].Actions) != 3 || rules[0].Actions[2].Decided || !rules[2].Actions[0].Decided {
		t.Errorf("trace %+v", rules)
	}
}

// TestForwardedAnswerComesBack through the response phase, and counts for the
// circuit breaker.
func TestForwardedAnswerComesBack(t *testing.T) {
	run := compile(t, forwards).Start(exchange(), trafficpolicy.Services{})
	defer run.Release()
	if out, err := run.OnRequest(t.Context()); err != nil || out.Forward == nil {
		t.Fatal(out, err)
	}
	res := message.NewResponse(200, nil, "")
	if out, err := run.OnResponse(t.Context(), res); out != nil || err != nil || !res.Header.Has("x-through") {
		t.Errorf("%+v %v %v", out, err, res.Header)
	}
}

func TestForwardStops(t *testing.T) {
	template := `on_http_request: [{actions: [{type: forward-internal, config: {url: "${getReqHeader('x-to')[0]}", on_error: continue}}, {type: deny, config: {status_code: 410}}]}]`
	tests := []struct {
		to   string
		hops int
		code trafficpolicy.Code // with on_error: halt
	}{
		{"https://a.internal", 9, ""},
		{"HTTPS://a.b-c.Internal:8443", 0, ""},
		{"https://a.internal", 10, trafficpolicy.CodeForwardHops},
		{"https://example.com", 0, trafficpolicy.CodeURL},
		{"https://evil.example.com/.internal", 0, trafficpolicy.CodeURL},
		{"https://evil.example.com#.internal", 0, trafficpolicy.CodeURL},
		{"https://evil.example.com:1@a.internal", 0, trafficpolicy.CodeURL},
		{"https://a.internal/path", 0, trafficpolicy.CodeURL},
		{"https://a.internal:0", 0, trafficpolicy.CodeURL},
		{"https://a..internal", 0, trafficpolicy.CodeURL},
		{"https://internal", 0, trafficpolicy.CodeURL},
		{"ftp://a.internal", 0, trafficpolicy.CodeURL},
		{"tcp://a.internal", 0, trafficpolicy.CodeURL},
		{"a.internal", 0, trafficpolicy.CodeURL},
	}
	for _, tt := range tests {
		for _, source := range []string{template, strings.Replace(template, "continue}}, {type: deny, config: {status_code: 410}}", "halt}}", 1)} {
			in := exchange()
			in.Hops = tt.hops
			in.Request.Header.Add("x-to", tt.to)
			run := compile(t, source).Start(in, trafficpolicy.Services{})
			out, err := run.OnRequest(t.Context())
			switch {
			case err != nil:
				t.Error(tt.to, err)
			case tt.code == "":
				if out.Forward == nil {
					t.Errorf("%s: %+v", tt.to, out)
				}
			case strings.Contains(source, "halt"):
				if out.ErrorCode != tt.code || out.Forward != nil || out.Cause == nil {
					t.Errorf("%s: %+v", tt.to, out)
				}
			case out.Response == nil || out.Response.Status != 410:
				t.Errorf("%s: %+v", tt.to, out)
			}
			run.Release()
		}
	}
}

func TestForwardOfConnections(t *testing.T) {
	const source = "on_tcp_connect: [{actions: [{type: forward-internal, config: {url: 'tcp://db.internal:5432'}}]}]"
	p, problems := trafficpolicy.Compile(source, trafficpolicy.ForProtocol(trafficpolicy.TCP), trafficpolicy.RequireTerminating())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	run := p.Start(trafficpolicy.Input{Conn: new(message.Conn)}, trafficpolicy.Services{})
	defer run.Release()
	out, err := run.OnTCPConnect(t.Context())
	if err != nil || out.Forward == nil || out.Forward.URL != "tcp://db.internal:5432" {
		t.Fatal(out, err)
	}
	if out, err = run.ForwardFailed(t.Context(), trafficpolicy.ForwardFailure{Code: "SLUICE_3200", Status: 404}); err != nil || !out.Close || out.ErrorCode != "SLUICE_3200" {
		t.Error(out, err)
	}
}

// TestForwardTerminates unless it may go on.
func TestForwardTerminates(t *testing.T) {
	for source, want := range map[string]bool{
		"on_http_request: [{actions: [{type: forward-internal, config: {url: 'https://a.internal'}}]}]":                                                          true,
		"on_http_request: [{actions: [{type: forward-internal, config: {url: 'https://a.internal', on_error: continue}}]}]":                                      false,
		"on_http_request: [{actions: [{type: forward-internal, config: {url: 'https://a.internal', on_error: continue}}, {type: custom-response}]}]":             true,
		"on_http_request: [{actions: [{type: forward-internal, config: {url: 'https://a.internal', on_error: halt}}, {type: log, config: {metadata: {a: 1}}}]}]": false,
	} {
		if p, problems := trafficpolicy.Compile(source, trafficpolicy.RequireTerminating()); (p != nil) != want {
			t.Errorf("%s: %v", source, problems)
		}
	}
}
