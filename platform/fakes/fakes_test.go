package fakes_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.dev/platform/fakes"
)

func post(t *testing.T, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func TestDatadogRefusesWhatTheRealOneRefuses(t *testing.T) {
	d := fakes.NewDatadog("k")
	defer d.Close()
	ct := []string{"Content-Type", "application/json"}
	with := func(more ...string) []string { return append(append([]string{}, ct...), more...) }
	cases := []struct {
		name, body string
		header     []string
		want       int
	}{
		{"no key", `[]`, ct, 401},
		{"bad key", `[]`, with("DD-API-KEY", "x"), 403},
		{"no JSON", `[`, with("DD-API-KEY", "k"), 400},
		{"no message", `[{"a":1}]`, with("DD-API-KEY", "k"), 400},
		{"tags are a list", `[{"message":"m","ddtags":["a"]}]`, with("DD-API-KEY", "k"), 400},
		{"said to be gzip", `[{"message":"m"}]`, with("DD-API-KEY", "k", "Content-Encoding", "gzip"), 400},
		{"too many", "[" + strings.Repeat(`{"message":"m"},`, 1000) + `{"message":"m"}]`, with("DD-API-KEY", "k"), 413},
		{"too large", "[" + strings.Repeat(`{"message":"`+strings.Repeat("m", 900_000)+`"},`, 5) + `{"message":"` + strings.Repeat("m", 900_000) + `"}]`, with("DD-API-KEY", "k"), 413},
		{"good", `[{"message":"m","event_id":"e"}]`, with("DD-API-KEY", "k"), 202},
	}
	for _, c := range cases {
		if got, text := post(t, d.LogsURL(), c.body, c.header...); got != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, got, text, c.want)
		}
	}
	if n := d.Copies()["e"]; n != 1 || len(d.Entries()) != 1 {
		t.Errorf("kept %v", d.Entries())
	}
}

func TestNtfyTreatsMessagesAsTheRealOneDoes(t *testing.T) {
	n := fakes.NewNtfy("tk_good")
	defer n.Close()
	bearer := []string{"Authorization", "Bearer tk_good"}
	cases := []struct {
		name, topic, body string
		header            []string
		want              int
	}{
		{"no token", "t", "m", nil, 403},
		{"bad token", "t", "m", []string{"Authorization", "Bearer tk_bad"}, 401},
		{"bad topic", "a.b", "m", bearer, 404},
		{"bad priority", "t", "m", append([]string{"Priority", "9"}, bearer...), 400},
		{"too long", "t", strings.Repeat("m", 4097), bearer, 400},
		{"blank", "t", "", append([]string{"Title", "=?UTF-8?q?=C3=84?=", "Tags", "a, b", "Priority", "high"}, bearer...), 200},
	}
	for _, c := range cases {
		if got, text := post(t, n.TopicURL(c.topic), c.body, c.header...); got != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, got, text, c.want)
		}
	}
	kept := n.Notices("t")
	if len(kept) != 1 || kept[0].Message != "triggered" || kept[0].Title != "Ä" || kept[0].Priority != 4 || len(kept[0].Tags) != 2 {
		t.Errorf("kept %+v", kept)
	}
}

func TestVerifyKnowsThePublishedVector(t *testing.T) {
	secret := "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	h := http.Header{}
	h.Set("webhook-id", "msg_1")
	h.Set("webhook-timestamp", "1674087231")
	h.Set("webhook-signature", "v1,wrong v1,ufv45WIonjonlsB4RtxC24Ig4CisWfbJI1o6/4Uarps=")
	now := time.Unix(1674087231, 0)
	if err := fakes.Verify(secret, h, []byte(`{"a":1}`), now); err != nil {
		t.Error(err)
	}
	if err := fakes.Verify(secret, h, []byte(`{"a":2}`), now); err == nil {
		t.Error("a changed body passes")
	}
	if err := fakes.Verify(secret, h, []byte(`{"a":1}`), now.Add(time.Hour)); err == nil {
		t.Error("an old signature passes")
	}
}

func TestFailuresEnd(t *testing.T) {
	h := fakes.NewWebhook("")
	defer h.Close()
	h.Fail(fakes.Failure{Status: 503, Times: 1, Header: map[string]string{"Retry-After": "1"}})
	first, _ := post(t, h.URL(), "a")
	h.Fail(fakes.Failure{Status: 500, Times: 1, After: true})
	second, _ := post(t, h.URL(), "b")
	third, _ := post(t, h.URL(), "c")
	if first != 503 || second != 500 || third != 200 || len(h.Deliveries()) != 2 || h.Requests() != 3 {
		t.Errorf("answers %d %d %d, kept %d of %d", first, second, third, len(h.Deliveries()), h.Requests())
	}
}
