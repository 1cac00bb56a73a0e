package trafficpolicy_test

import (
	"context"
	"testing"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

// recorder notes what the capture action asks for.
type recorder struct {
	got []trafficpolicy.CaptureDirective
}

func (r *recorder) Capture(d trafficpolicy.CaptureDirective) { r.got = append(r.got, d) }

func TestCaptureActionTellsTheRecorder(t *testing.T) {
	p, problems := trafficpolicy.Compile(`
on_http_request:
  - expressions: ["req.method == 'POST'"]
    actions: [{type: capture, config: {mode: full, request_body_limit: 100, sample_percent: 0.5}}]
on_http_response:
  - actions: [{type: capture, config: {keep: true}}]
`)
	if p == nil {
		t.Fatal(lines(problems))
	}
	to := &recorder{}
	req := &message.Request{Method: "POST", Target: "/", Scheme: "https", Host: "h"}
	run := p.Start(trafficpolicy.Input{Request: req}, trafficpolicy.Services{Recorder: to})
	defer run.Release()
	if _, err := run.OnRequest(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := run.OnResponse(context.Background(), message.NewResponse(200, nil, "")); err != nil {
		t.Fatal(err)
	}
	want := []trafficpolicy.CaptureDirective{{Mode: "full", RequestBodyLimit: 100, SamplePercent: 0.5}, {Keep: true}}
	if len(to.got) != 2 || to.got[0] != want[0] || to.got[1] != want[1] {
		t.Errorf("%+v", to.got)
	}
}

func TestCaptureActionIsChecked(t *testing.T) {
	for config, code := range map[string]trafficpolicy.Code{
		"{}":                       trafficpolicy.CodeMissing,
		"{keep: false}":            trafficpolicy.CodeMissing,
		"{sample_percent: 0}":      trafficpolicy.CodeRange,
		"{sample_percent: 101}":    trafficpolicy.CodeRange,
		"{mode: everything}":       trafficpolicy.CodeEnum,
		"{request_body_limit: -1}": trafficpolicy.CodeRange,
	} {
		_, problems := trafficpolicy.Compile("on_http_request: [{actions: [{type: capture, config: " + config + "}]}]")
		if faults := problems.Errors(); len(faults) != 1 || faults[0].Code != code {
			t.Errorf("%s: %s", config, lines(problems))
		}
	}
}

func TestConditions(t *testing.T) {
	in := trafficpolicy.Input{Request: &message.Request{Method: "GET", Target: "/a", Scheme: "https", Host: "h"}}
	for text, want := range map[string]bool{
		"res.status_code == 404":                               true,
		"req.url.path == '/b'":                                 false,
		"res.headers['x-a'].exists(v, v == '1')":               true,
		"secrets.get('v', 'n') == 'x'":                         false, // fails: it has none
		"conn.client_ip == '' || req.method in ['GET', 'PUT']": true,
	} {
		c, faults := trafficpolicy.CompileCondition(text)
		if len(faults) > 0 {
			t.Errorf("%s: %v", text, faults)
			continue
		}
		if got, _ := c.Holds(context.Background(), nil, in, message.NewResponse(404, message.Header{{Name: "X-A", Value: "1"}}, "")); got != want {
			t.Errorf("%s: %v", text, got)
		}
		if _, err := c.Holds(context.Background(), nil, in, nil); text == "res.status_code == 404" && err == nil {
			t.Error("a status without a response")
		}
	}
	for _, text := range []string{"", "res.", "1 + 1", "nobody == 1", "${true}"} {
		if _, faults := trafficpolicy.CompileCondition(text); len(faults) == 0 {
			t.Errorf("%q is taken", text)
		}
	}
}
