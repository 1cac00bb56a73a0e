package policytrace_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/policytrace"
	"sluice.dev/platform/wire"
)

func trace(rules ...trafficpolicy.RuleTrace) trafficpolicy.Trace {
	return trafficpolicy.Trace{Phases: []trafficpolicy.PhaseTrace{{Phase: trafficpolicy.OnHTTPRequest, Duration: time.Millisecond, Rules: rules}}}
}

func matched(actions ...trafficpolicy.ActionTrace) trafficpolicy.RuleTrace {
	return trafficpolicy.RuleTrace{Matched: true, Actions: actions}
}

// action is the first action of the first rule, after all limits.
func action(t *testing.T, mask policytrace.Mask, results ...trafficpolicy.ResultTrace) *capturev1.PolicyActionTrace {
	t.Helper()
	return policytrace.Proto(trace(matched(trafficpolicy.ActionTrace{Type: "x", Results: results})), mask).GetPhases()[0].GetRules()[0].GetActions()[0]
}

func TestOutcomes(t *testing.T) {
	failed := matched(trafficpolicy.ActionTrace{Type: "log"}, trafficpolicy.ActionTrace{Type: "url-rewrite", Decided: true, Index: 1})
	failed.Error = "boom"
	got := policytrace.Proto(trace(
		trafficpolicy.RuleTrace{Name: "no", False: "1 == 2", Duration: time.Microsecond},
		matched(trafficpolicy.ActionTrace{Type: "log", Name: "label", Duration: time.Second}, trafficpolicy.ActionTrace{Type: "deny", Index: 1, Decided: true}),
		failed,
	), policytrace.Mask{})
	rules := got.GetPhases()[0].GetRules()
	if got.GetDuration().AsDuration() != time.Millisecond || rules[0].GetMatched() || rules[0].GetFalseExpression() != "1 == 2" || rules[0].GetDuration().AsDuration() != time.Microsecond {
		t.Error(got)
	}
	var outcomes []string
	for _, r := range rules {
		for _, a := range r.GetActions() {
			outcomes = append(outcomes, a.GetType()+" "+a.GetOutcome().String())
		}
	}
	want := []string{"log OUTCOME_CONTINUED", "deny OUTCOME_DECIDED", "log OUTCOME_CONTINUED", "url-rewrite OUTCOME_FAILED"}
	if !slices.Equal(outcomes, want) || rules[2].GetError() != "boom" {
		t.Errorf("got %v", outcomes)
	}
	if policytrace.Proto(trafficpolicy.Trace{}, policytrace.Mask{}) != nil {
		t.Error("a policy that did not run has a trace")
	}
}

func TestSecretsAreReplaced(t *testing.T) {
	var values []string
	for name, value := range map[string]string{"Authorization": "Bearer abc.def.ghi", "Cookie": "sid=s3cr3t-s3cr3t; theme=d", "X-Api-Key": "key-12345", "Accept": "text/html"} {
		values = policytrace.Secrets(nil, name, value, values)
	}
	mask := policytrace.Mask{Headers: redact.Headers([]string{"x-ticket"}), Values: values, Bodies: true}
	for name, tt := range map[string]struct {
		value any
		want  string
	}{
		"bucket_key":           {`["key-12345","a"]`, `"[\"[redacted]\",\"a\"]"`},
		"headers_added":        {map[string]any{"authorization": "Basic dTpw", "x-ticket": "t", "x-user": "u"}, `{"authorization":"Basic [redacted]","x-ticket":"[redacted]","x-user":"u"}`},
		"req.header":           {map[string]any{"x-api-key": []any{"k"}}, `{"x-api-key":["[redacted]"]}`},
		"url":                  {"https://u:p@h/a?access_token=t&b=1", `"https://[redacted]@h/a?access_token=[redacted]&b=1"`},
		"matches":              {[]any{"b=1&token=t"}, `["b=1&token=[redacted]"]`},
		"tokens":               {[]any{map[string]any{"signature": "c2ln", "payload": map[string]any{"sub": "me"}}}, `[{"payload":{"sub":"me"},"signature":"[redacted]"}]`},
		"res.body":             {"sid is s3cr3t-s3cr3t", `"sid is [redacted]"`},
		"credentials.username": {"ann", `"ann"`},
		"anomaly_score":        {int64(5), "5"},
	} {
		var got map[string]json.RawMessage
		a := action(t, mask, trafficpolicy.ResultTrace{Name: name, Value: tt.value})
		if err := json.Unmarshal([]byte(a.GetResults()), &got); err != nil {
			t.Fatal(err)
		}
		if text := strings.ReplaceAll(string(got[name]), `\u0026`, "&"); text != tt.want {
			t.Errorf("%s: got %s, want %s", name, text, tt.want)
		}
	}
	if a := action(t, policytrace.Mask{}, trafficpolicy.ResultTrace{Name: "res.body", Value: "text"}); a.GetResults() != "" || !slices.Equal(a.GetOmittedResults(), []string{"res.body"}) {
		t.Errorf("a body is kept: %v", a)
	}
}

func TestResultsAreBounded(t *testing.T) {
	long := strings.Repeat("ä", 4000)
	var results []trafficpolicy.ResultTrace
	for i := range 6 {
		results = append(results, trafficpolicy.ResultTrace{Name: fmt.Sprint("r", i), Value: long})
	}
	a := action(t, policytrace.Mask{}, append(results, trafficpolicy.ResultTrace{Name: "small", Value: true})...)
	var got map[string]any
	if err := json.Unmarshal([]byte(a.GetResults()), &got); err != nil || len(a.GetResults()) > 4<<10 {
		t.Fatalf("%d bytes, %v", len(a.GetResults()), err)
	}
	if text, _ := got["r0"].(string); len(text) > 1<<10 || !strings.HasSuffix(text, "ä…") || got["small"] != true {
		t.Errorf("got %v", got)
	}
	if len(got)+len(a.GetOmittedResults()) != len(results)+1 || len(a.GetOmittedResults()) == 0 {
		t.Errorf("told %d, omitted %v", len(got), a.GetOmittedResults())
	}
}

func TestWholeTraceIsBounded(t *testing.T) {
	var rules []trafficpolicy.RuleTrace
	for i := range 500 {
		rules = append(rules, trafficpolicy.RuleTrace{Index: i, Name: strings.Repeat("n", 1000), False: strings.Repeat("f", 16<<10)},
			matched(make([]trafficpolicy.ActionTrace, 50)...))
	}
	last := matched(trafficpolicy.ActionTrace{Type: "deny", Decided: true})
	last.Index = 1000
	got := policytrace.Proto(trace(append(rules, last)...), policytrace.Mask{})
	if size := proto.Size(got); size > 40<<10 {
		t.Errorf("%d bytes", size)
	}
	phase := got.GetPhases()[0]
	if told := phase.GetRules(); told[len(told)-1].GetIndex() != 1000 || len(told)+int(phase.GetOmittedRules()) != len(rules)+1 || len(told) < 20 {
		t.Errorf("%d told, %d omitted", len(told), phase.GetOmittedRules())
	}
}

// TestMaskedTwice: what is known to be secret, and what looks like it, is replaced in
// what the rest of the mask leaves.
func TestMaskedTwice(t *testing.T) {
	redactor, err := redact.New(redact.Config{Key: redact.Key([]byte("k"))})
	if err != nil {
		t.Fatal(err)
	}
	mask := policytrace.Mask{Redactor: redactor, Secrets: []*redact.Secret{redact.NewSecret("secret:v/n", "hunter2-hunter2")}}
	failed := matched(trafficpolicy.ActionTrace{Type: "log", Name: "of hunter2-hunter2", Results: []trafficpolicy.ResultTrace{
		{Name: "a", Value: "ghp_" + strings.Repeat("x", 36)}, {Name: "b", Value: "is hunter2-hunter2"},
	}})
	failed.Error = "no Bearer abcdefgh1234 and no hunter2-hunter2"
	failed.Name = "hunter2-hunter2"
	got := policytrace.Proto(trace(failed), mask)
	if text := got.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "ghp_") || strings.Contains(text, "abcdefgh1234") || !strings.Contains(text, "[redacted github_token 40") {
		t.Error(text)
	}
}

// TestTextsAreAsJSONWritesThem compares with encoding/json.
func TestTextsAreAsJSONWritesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`)).Draw(t, "text")
		if len(s) > 1000 {
			return
		}
		want, err := json.Marshal(map[string]any{"x": s})
		if err != nil {
			t.Fatal(err)
		}
		results := []trafficpolicy.ResultTrace{{Name: "x", Value: s}}
		p := policytrace.Proto(trace(matched(trafficpolicy.ActionTrace{Results: results})), policytrace.Mask{})
		if got := p.GetPhases()[0].GetRules()[0].GetActions()[0].GetResults(); got != string(want) && !strings.ContainsAny(s, "?@#=") {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

// TestAnEncoderForgets: nothing of one trace shows in the next.
func TestAnEncoderForgets(t *testing.T) {
	var e policytrace.Encoder
	var first, second, alone wire.Buffer
	body := []trafficpolicy.ResultTrace{{Name: "body", Value: "x"}, {Name: "y", Value: int64(1)}}
	small := trace(matched(trafficpolicy.ActionTrace{Type: "deny"}))
	e.Append(&first, trace(matched(trafficpolicy.ActionTrace{Type: "x", Results: body})), policytrace.Mask{})
	e.Append(&second, small, policytrace.Mask{})
	new(policytrace.Encoder).Append(&alone, small, policytrace.Mask{})
	if !bytes.Equal(second, alone) || len(first) <= len(second) {
		t.Errorf("%q, want %q", second, alone)
	}
}

func BenchmarkAppend(b *testing.B) {
	t := trace(trafficpolicy.RuleTrace{Name: "no", False: "req.method == 'POST'"},
		matched(trafficpolicy.ActionTrace{Type: "rate-limit", Results: []trafficpolicy.ResultTrace{{Name: "bucket_key", Value: `["192.0.2.1"]`}, {Name: "limited", Value: false}}}))
	redactor, _ := redact.New(redact.Config{Key: redact.Key([]byte("k"))})
	mask := policytrace.Mask{Values: []string{"secret-secret"}, Redactor: redactor}
	var e policytrace.Encoder
	var to wire.Buffer
	b.ReportAllocs()
	for b.Loop() {
		to = to[:0]
		e.Append(&to, t, mask)
	}
}
