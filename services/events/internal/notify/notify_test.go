package notify_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/fakes"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/notify"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

func values(alert bool) notify.Values {
	return notify.Values{
		Variables:  map[string]string{"value": "7", "threshold": "5", "name": "Errors @ntfy-evil {{link}}", "link": "http://console/monitors/m"},
		Conditions: map[string]bool{"is_alert": alert, "is_recovery": !alert},
	}
}

func TestRender(t *testing.T) {
	cases := []struct {
		message, alert, recovery string
		alertTo, recoveryTo      string
	}{
		{"", "", "", "", ""},
		{"{{value}} > {{ threshold }}: {{{link}}}", "7 > 5: http://console/monitors/m", "7 > 5: http://console/monitors/m", "", ""},
		{"@webhook-ntfy", "", "", "@webhook-ntfy", "@webhook-ntfy"},
		{"@webhook-ntfy Your API has errors.", "Your API has errors.", "Your API has errors.", "@webhook-ntfy", "@webhook-ntfy"},
		{"Errors, see {{link}}. @ntfy-on_call-1.", "Errors, see http://console/monitors/m. .", "Errors, see http://console/monitors/m. .", "@ntfy-on_call-1", "@ntfy-on_call-1"},
		{"{{#is_alert}}bad @ntfy-a{{else}}good{{/is_alert}}", "bad", "good", "@ntfy-a", ""},
		{"{{^is_alert}}good @ntfy-b {{/is_alert}}x{{!-- {{nothing}} --}}", "x", "good x", "", "@ntfy-b"},
		{"{{#is_recovery}}over{{#is_alert}}never{{/is_alert}}{{/is_recovery}}", "", "over", "", ""},
		{"{{name}}", "Errors @ntfy-evil {{link}}", "Errors @ntfy-evil {{link}}", "", ""},
		{"{{name}}@ntfy-glued ops@example.com", "Errors @ntfy-evil {{link}}@ntfy-glued ops@example.com", "Errors @ntfy-evil {{link}}@ntfy-glued ops@example.com", "", ""},
		{"more @http.status_code:5xx than {{threshold}}", "more @http.status_code:5xx than 5", "more @http.status_code:5xx than 5", "", ""},
		{"a } b }} @ c", "a } b }} @ c", "a } b }} @ c", "", ""},
	}
	for _, c := range cases {
		tpl, err := notify.Parse(c.message)
		if err != nil {
			t.Errorf("%q: %v", c.message, err)
			continue
		}
		for alert, want := range map[bool][2]string{true: {c.alert, c.alertTo}, false: {c.recovery, c.recoveryTo}} {
			got := tpl.Render(values(alert))
			var to []string
			for _, h := range got.Handles {
				to = append(to, h.String())
			}
			if got.Text != want[0] || strings.Join(to, " ") != want[1] {
				t.Errorf("%q (alert %v): %q to %v, want %q to %q", c.message, alert, got.Text, to, want[0], want[1])
			}
		}
	}
}

func TestParseSaysWhereAMessageIsWrong(t *testing.T) {
	cases := []struct {
		message, want, hint string
		line, column        int
	}{
		{"{{valu}}", `no variable "valu"`, "did you mean value?", 1, 1},
		{"a\nbä {{#is_warning}}x{{/is_warning}}", `no condition "is_warning"`, "is_alert, is_recovery", 2, 4},
		{"x {{value", "{{ is never closed", "}}", 1, 3},
		{"{{#is_alert}}x", "{{#is_alert}} is never closed", "{{/is_alert}}", 1, 1},
		{"{{#is_alert}}x{{/is_recovery}}", "cannot stand here", "{{/is_alert}}", 1, 15},
		{"x{{/is_alert}}", "closes nothing", "", 1, 2},
		{"x\n@slack-team hello", "names no channel", "@ntfy-NAME", 2, 1},
		{"@ntfy-a/b hello", "names no channel", "followed by a space", 1, 1},
		{strings.Repeat("{{#is_alert}}", 20) + strings.Repeat("{{/is_alert}}", 20), "nested too deeply", "", 1, 209},
	}
	for _, c := range cases {
		_, err := notify.Parse(c.message)
		e := errs.As(err)
		if e == nil || len(e.Violations) != 1 {
			t.Errorf("%q: %v", c.message, err)
			continue
		}
		if v := e.Violations[0]; !strings.Contains(v.Message, c.want) || !strings.Contains(v.Hint, c.hint) || v.Line != c.line || v.Column != c.column {
			t.Errorf("%q: %+v", c.message, v)
		}
	}
}

func TestResolve(t *testing.T) {
	byName := map[string]*eventsv1.NotificationChannel{"a": {Name: "a", Target: &eventsv1.NotificationChannel_Ntfy{}}}
	tpl, err := notify.Parse("x @ntfy-a @webhook-a\n@ntfy-b")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range tpl.Handles() {
		if _, err := h.Resolve(byName); err != nil {
			got = append(got, err.Error())
		} else {
			got = append(got, "ok")
		}
	}
	want := "ok|message: line 1, column 11: @webhook-a names a channel of another kind|message: line 2, column 1: @ntfy-b names no channel"
	if strings.Join(got, "|") != want {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"{{value}}", "{{#is_alert}}a{{else}}b{{/is_alert}}", "@ntfy-a b", "{{{link}}}", "{{!-- x --}}", "@webhook-x. @", "{{^is_recovery}}@ntfy-q{{/is_recovery}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		tpl, err := notify.Parse(message)
		if err != nil {
			if e := errs.As(err); e == nil || len(e.Violations) != 1 || e.Violations[0].Line < 1 || e.Violations[0].Column < 1 {
				t.Errorf("%q: error without a position: %v", message, err)
			}
			return
		}
		for _, alert := range []bool{true, false} {
			r := tpl.Render(values(alert))
			if len(r.Text) > 16<<10 {
				t.Errorf("%d bytes", len(r.Text))
			}
			for _, h := range r.Handles {
				if strings.Contains(h.Name, "evil") && !strings.Contains(message, "evil") {
					t.Errorf("%q: a value became the handle %s", message, h)
				}
			}
		}
	})
}

func sendTo(t *testing.T, c *eventsv1.NotificationChannel, n notify.Notice) egress.Answer {
	t.Helper()
	networks, err := egress.ParseNetworks(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := egress.NewClient(networks)
	defer client.Close()
	return notify.NewSender(client).Send(context.Background(), c, n)
}

func notice(kind notify.Kind, text string) notify.Notice {
	return notify.Notice{
		ID: "mtr_1", Kind: kind, Title: "[Triggered] Erreurs élevées", Text: text, Link: "http://console/monitors/mon_1", Time: time.UnixMilli(1_800_000_000_123),
		CycleKey: "mon_1:3", MonitorID: "mon_1", MonitorName: "Errors", Query: `@http.status_code:"5xx"`, State: "ALERT", Value: 7, Threshold: 5, Comparator: ">",
	}
}

func TestNtfy(t *testing.T) {
	server := fakes.NewNtfy("tk_1")
	defer server.Close()
	channel := &eventsv1.NotificationChannel{Target: &eventsv1.NotificationChannel_Ntfy{Ntfy: &eventsv1.NtfyChannel{Url: server.TopicURL("alerts"), Token: "tk_1"}}}
	for _, n := range []notify.Notice{notice(notify.Alert, "bad"), notice(notify.Recovery, strings.Repeat("é", 4000)), notice(notify.Alert, "").Marked()} {
		if a := sendTo(t, channel, n); !a.OK() {
			t.Fatalf("answer %+v", a)
		}
	}
	got := server.Notices("alerts")
	if m := got[0]; m.Message != "bad" || m.Title != "[Triggered] Erreurs élevées" || m.Priority != 5 || m.Tags[0] != "rotating_light" || m.Click != "http://console/monitors/mon_1" {
		t.Errorf("alert is %+v", m)
	}
	if m := got[1]; m.Priority != 3 || m.Tags[0] != "white_check_mark" || len(m.Message) != 4000 {
		t.Errorf("recovery is %+v", m)
	}
	if m := got[2]; m.Message != "triggered" || !strings.HasPrefix(m.Title, "[TEST] ") || m.Priority != 3 {
		t.Errorf("blank test is %+v", m)
	}
	server.Fail(fakes.Failure{Status: 429})
	if a := sendTo(t, channel, notice(notify.Alert, "x")); a.RetryAfter != 5*time.Second || !notify.MayPass(a) {
		t.Errorf("answer to too many: %+v", a)
	}
}

func TestWebhookPayloads(t *testing.T) {
	hook := fakes.NewWebhook("")
	defer hook.Close()
	const text = "say \"hi\"\n$VALUE"
	cases := []struct {
		name    string
		payload *string
		body    string
		content string
	}{
		{"default", nil, `{"body":"say \"hi\"\n$VALUE","last_updated":"1800000000123","event_type":"log_alert","title":"[Triggered] Erreurs élevées","date":"1800000000123","org":{"id":"1","name":"Sluice"},"id":"mtr_1"}`, "application/json"},
		{"blank", proto.String(""), "", ""},
		{"own JSON", proto.String(`{"q":"a \"$ALERT_QUERY\"","n":$VALUE,"u":"$UNKNOWN $ID_X","t":"$TAGS[env]"}`), `{"q":"a \"@http.status_code:\"5xx\"\"","n":7,"u":"$UNKNOWN $ID_X","t":""}`, "application/json"},
		{"text", proto.String("$ALERT_TRANSITION $ALERT_TYPE: $EVENT_MSG"), "Triggered error: " + text, "text/plain; charset=utf-8"},
	}
	cases[2].body = strings.Replace(cases[2].body, `:"5xx"`, `:\"5xx\"`, 1)
	for _, c := range cases {
		channel := &eventsv1.NotificationChannel{Target: &eventsv1.NotificationChannel_Webhook{Webhook: &eventsv1.WebhookChannel{
			Url: hook.URL() + "/$MONITOR_ID", Payload: c.payload, Headers: map[string]string{"X-Cycle": "$ALERT_CYCLE_KEY"},
		}}}
		if a := sendTo(t, channel, notice(notify.Alert, text)); !a.OK() {
			t.Fatalf("%s: %+v", c.name, a)
		}
		all := hook.Deliveries()
		d := all[len(all)-1]
		if string(d.Body) != c.body || d.Header.Get("Content-Type") != c.content || d.Path != "/mon_1" || d.Header.Get("X-Cycle") != "mon_1:3" {
			t.Errorf("%s: %s %q at %s, want %s %q", c.name, d.Header.Get("Content-Type"), d.Body, d.Path, c.content, c.body)
		}
		if c.content == "application/json" && !json.Valid(d.Body) {
			t.Errorf("%s: not JSON: %s", c.name, d.Body)
		}
	}
}

func TestCheckChannels(t *testing.T) {
	ntfy := func(url string) *eventsv1.NotificationChannel {
		return &eventsv1.NotificationChannel{Target: &eventsv1.NotificationChannel_Ntfy{Ntfy: &eventsv1.NtfyChannel{Url: url}}}
	}
	for url, want := range map[string]string{
		"https://ntfy.example.com/alerts": "", "http://127.0.0.1:8090/a-b_C": "", "https://example.com/base/alerts": "",
		"https://ntfy.example.com": "no topic", "https://ntfy.example.com/": "no topic", "https://ntfy.example.com/a.b": "no topic", "ntfy://x/y": "http",
	} {
		err := notify.Check(ntfy(url))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(want, "no "))) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}
