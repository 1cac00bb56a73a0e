package sender_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/fakes"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/event"
	"sluice.dev/services/events/internal/sender"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

const secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func client(t *testing.T) *egress.Client {
	t.Helper()
	n, err := egress.ParseNetworks(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := egress.NewClient(n)
	t.Cleanup(c.Close)
	return c
}

func events(t *testing.T, n int, fields ...string) []event.Event {
	t.Helper()
	s, err := event.Select("fields", fields)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]event.Event, n)
	for i := range out {
		out[i] = s.Event(&capturev1.Exchange{
			Id: fmt.Sprintf("ex_01K9ZX4T2M8N7QJ5W3E6R1Y%03d", i), EndpointId: "ep_1", EndpointName: "orders",
			StartTime: timestamppb.New(time.Date(2026, 11, 12, 8, 0, i, 0, time.UTC)),
			Connection: &capturev1.Connection{ClientIp: "203.0.113.7", Geo: &capturev1.Geo{
				CountryCode: "CH", Country: "Switzerland", ContinentCode: "EU", City: "Zürich", SubdivisionCode: "ZH", Latitude: 47.37, Longitude: 8.55, Asn: 64500, AsOrganization: "Example Net",
			}},
			Request: &capturev1.Request{
				Method: "GET", Host: "orders.example.com", Path: "/orders/7", Query: "a=1&a=2&key=[redacted+url_credentials+9]",
				Url:     "http://orders.example.com/orders/7?a=1&a=2&key=[redacted+url_credentials+9]",
				Headers: []*capturev1.Header{{Name: "referer", Value: "https://example.com/"}, {Name: "user-agent", Value: "curl/8.5.0"}},
			},
			Route:    "/orders/{id}",
			Response: &capturev1.Response{StatusCode: 500},
			Error:    &capturev1.ExchangeError{Code: "SLUICE_3005", Message: "no answer"},
			Policy:   &capturev1.PolicyResult{UserName: "ada"},
			Timings:  &capturev1.Timings{Duration: durationpb.New(1500 * time.Microsecond)},
		}, "ac_1")
	}
	return out
}

func encode(t *testing.T, s sender.Sender, list []event.Event) []sender.Record {
	t.Helper()
	out := make([]sender.Record, len(list))
	for i, e := range list {
		var err error
		if out[i], err = s.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func kinds(o sender.Outcome) string {
	var b strings.Builder
	for _, v := range o.Verdicts {
		b.WriteByte("DrRSXM"[v.Kind])
	}
	return b.String()
}

func TestDatadogGetsRawEventsAndWhatQueriesNeed(t *testing.T) {
	intake := fakes.NewDatadog("k")
	defer intake.Close()
	s := sender.NewDatadog(&eventsv1.DatadogTarget{ApiKey: "k", Ddtags: "env:prod", Url: intake.LogsURL()}, client(t))
	out := s.Send(context.Background(), encode(t, s, events(t, 3)))
	if kinds(out) != "DDD" || out.Answer.Status != 202 {
		t.Fatalf("outcome %+v", out)
	}
	got := intake.Entries()[1]
	object, _ := got["object"].(map[string]any)
	delete(got, "object")
	raw, _ := json.Marshal(got)
	want := `{"account_id":"ac_1","ddsource":"ngrok","ddtags":"env:prod,endpoint:orders","duration":1500000,` +
		`"error":{"kind":"SLUICE_3005","message":"no answer"},"event_id":"ev_01K9ZX4T2M8N7QJ5W3E6R1Y001",` +
		`"event_timestamp":"2026-11-12T08:00:01.0015Z","event_type":"http_request_complete.v0","hostname":"orders.example.com",` +
		`"http":{"method":"GET","referer":"https://example.com/","request_id":"ex_01K9ZX4T2M8N7QJ5W3E6R1Y001","route":"/orders/{id}","status_code":500,` +
		`"url":"http://orders.example.com/orders/7?a=1\u0026a=2\u0026key=[redacted+url_credentials+9]","url_details":{"host":"orders.example.com","path":"/orders/7",` +
		`"queryString":{"a":["1","2"],"key":"[redacted url_credentials 9]"}},"useragent":"curl/8.5.0"},` +
		`"message":"GET http://orders.example.com/orders/7?a=1\u0026a=2\u0026key=[redacted+url_credentials+9] 500 no answer",` +
		`"network":{"bytes_read":0,"bytes_written":0,"client":{"geoip":{"as":{"name":"Example Net","number":64500},"city":{"name":"Zürich"},"continent":{"code":"EU"},` +
		`"country":{"iso_code":"CH","name":"Switzerland"},"location":{"latitude":47.37,"longitude":8.55},"subdivision":{"iso_code":"ZH"}},"ip":"203.0.113.7"}},` +
		`"principal":null,"service":"orders","status":"error","usr":{"name":"ada"}}`
	if string(raw) != want {
		t.Errorf("entry is\n%s, want\n%s", raw, want)
	}
	if object["conn"].(map[string]any)["client_ip"] != "203.0.113.7" {
		t.Errorf("object is %v", object)
	}
}

func TestUnselectedFieldsDoNotLeakIntoDatadog(t *testing.T) {
	s := sender.NewDatadog(&eventsv1.DatadogTarget{ApiKey: "k", Url: "http://127.0.0.1:1"}, client(t))
	r := encode(t, s, events(t, 1, "http.request.method"))[0]
	var entry map[string]any
	if err := json.Unmarshal(r.Body, &entry); err != nil {
		t.Fatal(err)
	}
	for name := range entry {
		if !slices.Contains([]string{"ddsource", "ddtags", "service", "status", "message", "http", "event_id", "event_type", "event_timestamp", "account_id", "principal", "object"}, name) {
			t.Errorf("%s is told: %s", name, r.Body)
		}
	}
	if !reflect.DeepEqual(entry["http"], map[string]any{"method": "GET"}) || entry["message"] != "GET" || entry["status"] != "info" {
		t.Errorf("entry is %s", r.Body)
	}
}

func TestVerdicts(t *testing.T) {
	cases := []struct {
		failure   fakes.Failure
		one, many string
		after     time.Duration
	}{
		{fakes.Failure{Status: 408}, "R", "RR", 0},
		{fakes.Failure{Status: 429, Header: map[string]string{"Retry-After": "7"}}, "R", "RR", 7 * time.Second},
		{fakes.Failure{Status: 500}, "R", "RR", 0},
		{fakes.Failure{Status: 503}, "R", "RR", 0},
		{fakes.Failure{Status: 413}, "S", "SS", 0},
		{fakes.Failure{Status: 400}, "X", "SS", 0},
		{fakes.Failure{Status: 401}, "M", "MM", 0},
		{fakes.Failure{Status: 403}, "M", "MM", 0},
		{fakes.Failure{Status: 404}, "M", "MM", 0},
		{fakes.Failure{Status: 410}, "M", "MM", 0},
		{fakes.Failure{Status: 302, Header: map[string]string{"Location": "/x"}}, "M", "MM", 0},
	}
	intake := fakes.NewDatadog("k")
	defer intake.Close()
	s := sender.NewDatadog(&eventsv1.DatadogTarget{ApiKey: "k", Url: intake.LogsURL()}, client(t))
	for _, c := range cases {
		intake.Fail(c.failure)
		for n, want := range map[int]string{1: c.one, 2: c.many} {
			out := s.Send(context.Background(), encode(t, s, events(t, n)))
			if kinds(out) != want || out.Verdicts[0].After != c.after || out.Verdicts[0].Reason == "" {
				t.Errorf("status %d, %d records: %s %+v, want %s after %s", c.failure.Status, n, kinds(out), out.Verdicts[0], want, c.after)
			}
		}
	}
}

func TestUnreachable(t *testing.T) {
	intake := fakes.NewDatadog("k")
	url := intake.LogsURL()
	intake.Close()
	for address, want := range map[string]string{url: "R", "http://no-such-host.invalid/": "M"} {
		s := sender.NewDatadog(&eventsv1.DatadogTarget{ApiKey: "k", Url: address}, client(t))
		if out := s.Send(context.Background(), encode(t, s, events(t, 1))); kinds(out) != want && !strings.Contains(out.Answer.Text(), "server misbehaving") {
			t.Errorf("%s: %s %s, want %s", address, kinds(out), out.Answer.Text(), want)
		}
	}
}

func TestWebhookSendsSignedCloudEvents(t *testing.T) {
	hook := fakes.NewWebhook(secret)
	defer hook.Close()
	s, err := sender.NewWebhook(&eventsv1.WebhookTarget{Url: hook.URL() + "/in", Secret: secret, Headers: map[string]string{"X-Team": "core"}}, client(t))
	if err != nil {
		t.Fatal(err)
	}
	if out := s.Send(context.Background(), encode(t, s, events(t, 2))); kinds(out) != "DD" {
		t.Fatalf("outcome %+v", out)
	}
	got := hook.Deliveries()
	if len(got) != 2 {
		t.Fatalf("%d deliveries", len(got))
	}
	h := got[1].Header
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Ce-Specversion": "1.0", "Ce-Id": "ev_01K9ZX4T2M8N7QJ5W3E6R1Y001", "Webhook-Id": "ev_01K9ZX4T2M8N7QJ5W3E6R1Y001",
		"Ce-Source": "/accounts/ac_1/endpoints/ep_1", "Ce-Type": "dev.sluice.http_request_complete.v0", "Ce-Time": "2026-11-12T08:00:01.0015Z", "X-Team": "core",
	} {
		if h.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, h.Get(name), want)
		}
	}
	if !strings.HasPrefix(string(got[1].Body), `{"event_id":"ev_01K9ZX4T2M8N7QJ5W3E6R1Y001"`) {
		t.Errorf("body is %s", got[1].Body)
	}
}

func TestWebhookKeepsOrderWhenOneDoesNotGetThrough(t *testing.T) {
	hook := fakes.NewWebhook("")
	defer hook.Close()
	s, err := sender.NewWebhook(&eventsv1.WebhookTarget{Url: hook.URL()}, client(t))
	if err != nil {
		t.Fatal(err)
	}
	records := encode(t, s, events(t, 3))
	hook.Fail(fakes.Failure{Status: 422, Times: 1})
	if out := s.Send(context.Background(), records); kinds(out) != "XDD" {
		t.Errorf("a refused event holds up others: %s", kinds(out))
	}
	hook.Fail(fakes.Failure{Status: 502, Times: 1})
	if out := s.Send(context.Background(), records); kinds(out) != "RRR" || hook.Requests() != 4 {
		t.Errorf("later events overtake: %s after %d requests", kinds(out), hook.Requests())
	}
	hook.Fail(fakes.Failure{Status: 413, Times: 1})
	if out := s.Send(context.Background(), records); kinds(out) != "XDD" {
		t.Errorf("a single event is to be split: %s", kinds(out))
	}
}

func TestWebhookBatch(t *testing.T) {
	hook := fakes.NewWebhook(secret)
	defer hook.Close()
	s, err := sender.NewWebhook(&eventsv1.WebhookTarget{Url: hook.URL(), Secret: secret, MaxBatch: 10}, client(t))
	if err != nil {
		t.Fatal(err)
	}
	records := encode(t, s, events(t, 3))
	for range 2 {
		if out := s.Send(context.Background(), records); kinds(out) != "DDD" {
			t.Fatalf("outcome %+v", out)
		}
	}
	got := hook.Deliveries()
	var list []map[string]any
	if err := json.Unmarshal(got[0].Body, &list); err != nil || len(list) != 3 || list[2]["id"] != "ev_01K9ZX4T2M8N7QJ5W3E6R1Y002" || list[2]["specversion"] != "1.0" {
		t.Errorf("body is %s, %v", got[0].Body, err)
	}
	if got[0].Header.Get("Content-Type") != "application/cloudevents-batch+json" || got[0].Header.Get("Webhook-Id") != got[1].Header.Get("Webhook-Id") {
		t.Errorf("headers are %v and %v", got[0].Header, got[1].Header)
	}
}

func TestTestEvents(t *testing.T) {
	intake, hook := fakes.NewDatadog("k"), fakes.NewWebhook("")
	defer intake.Close()
	defer hook.Close()
	w, err := sender.NewWebhook(&eventsv1.WebhookTarget{Url: hook.URL()}, client(t))
	if err != nil {
		t.Fatal(err)
	}
	d := sender.NewDatadog(&eventsv1.DatadogTarget{ApiKey: "k", Url: intake.LogsURL()}, client(t))
	for _, s := range []sender.Sender{w, d} {
		if out := s.Send(context.Background(), encode(t, s, []event.Event{event.NewTest(time.Now())})); kinds(out) != "D" {
			t.Errorf("%T: %+v", s, out)
		}
	}
}

func TestCheck(t *testing.T) {
	dd := func(key, site, url string) *eventsv1.EventDestination {
		return &eventsv1.EventDestination{Target: &eventsv1.EventDestination_Datadog{Datadog: &eventsv1.DatadogTarget{ApiKey: key, Ddsite: site, Url: url}}}
	}
	wh := func(w *eventsv1.WebhookTarget) *eventsv1.EventDestination {
		return &eventsv1.EventDestination{Target: &eventsv1.EventDestination_Webhook{Webhook: w}}
	}
	cases := []struct {
		name string
		give *eventsv1.EventDestination
		want string // part of the error; empty: good
	}{
		{"site", dd("k", "us5.datadoghq.com", ""), ""},
		{"no key", dd("", "datadoghq.com", ""), "API key"},
		{"no site", dd("k", "", ""), "Datadog site"},
		{"evil site", dd("k", "datadoghq.com.example.net", ""), "Datadog site"},
		{"glued site", dd("k", "notdatadoghq.com", ""), "Datadog site"},
		{"url", dd("k", "", "http://relay:8080/api/v2/logs"), ""},
		{"bad url", dd("k", "", "relay:8080"), "http://"},
		{"webhook", wh(&eventsv1.WebhookTarget{Url: "https://example.com/in?token=1", Secret: secret}), ""},
		{"no host", wh(&eventsv1.WebhookTarget{Url: "https:///in"}), "no host"},
		{"short secret", wh(&eventsv1.WebhookTarget{Url: "https://example.com", Secret: "whsec_" + "AAAA"}), "24 to 64"},
		{"reserved header", wh(&eventsv1.WebhookTarget{Url: "https://example.com", Headers: map[string]string{"Webhook-Id": "1"}}), "set by Sluice"},
		{"header injection", wh(&eventsv1.WebhookTarget{Url: "https://example.com", Headers: map[string]string{"A": "b\r\nC: d"}}), "control"},
	}
	for _, c := range cases {
		err := sender.Check(c.give)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	pasted := dd("k", "https://app.datadoghq.eu/", "")
	if err := sender.Check(pasted); err != nil || pasted.GetDatadog().GetDdsite() != "datadoghq.eu" {
		t.Errorf("site is %q, %v", pasted.GetDatadog().GetDdsite(), err)
	}
}

func TestErrorsTellNoSecrets(t *testing.T) {
	s := sender.NewDatadog(&eventsv1.DatadogTarget{ApiKey: "hunter2", Url: "http://127.0.0.1:1/hunter2"}, client(t))
	out := s.Send(context.Background(), encode(t, s, events(t, 1)))
	if strings.Contains(out.Answer.Text()+out.Verdicts[0].Reason, "hunter2") {
		t.Errorf("outcome %+v", out)
	}
}
