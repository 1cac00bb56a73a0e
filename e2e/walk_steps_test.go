package e2e_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice.dev/e2e/harness"
)

type walk struct {
	t        *testing.T
	sys      *harness.System
	api      harness.API
	demo     *harness.Process
	demoAddr string
	endpoint string // id
	refused  string // id of a refused exchange
	visitors []*harness.Visitor
}

const (
	publicURL = "https://demo.localhost"
	limited   = `on_http_request:
  - actions:
      - type: rate-limit
        config:
          name: 1 request per minute
          algorithm: sliding_window
          capacity: %d
          rate: 1m
          bucket_key:
            - req.headers['host']
`
)

func newWalk(t *testing.T, sys *harness.System) *walk {
	w := &walk{t: t, sys: sys, api: sys.API}
	w.demo, w.demoAddr = harness.DemoAPI(t)
	for i := range sys.Proxies {
		w.visitors = append(w.visitors, sys.Visitor(i))
	}
	return w
}

// any is a visitor of the nth proxy, round and round.
func (w *walk) any(n int) *harness.Visitor { return w.visitors[n%len(w.visitors)] }

func (w *walk) publish() {
	var e struct{ ID, URL string }
	w.api.Must(w.t, "POST", "/api/v1/endpoints", harness.Object{
		"url": publicURL, "upstream": harness.Object{"url": "http://" + w.demoAddr}, "traffic_policy": fmt.Sprintf(limited, 1),
	}, &e)
	if e.URL != publicURL {
		w.t.Fatalf("published %q", e.URL)
	}
	w.endpoint = e.ID
	w.sys.Settle()
}

func (w *walk) setCapacity(n int) {
	w.api.Must(w.t, "PATCH", "/api/v1/endpoints/"+w.endpoint, harness.Object{"traffic_policy": fmt.Sprintf(limited, n)}, nil)
	w.sys.Settle()
}

// limit: one request a minute passes, over all proxies together.
func (w *walk) limit() {
	if first := w.any(0).Get(publicURL + "/api/products"); first.Status != 200 || !strings.Contains(first.Body, "Penstock") {
		w.t.Fatalf("the first request: %d %s", first.Status, first.Body)
	}
	for n := range 2 {
		second := w.any(n + 1).Get(publicURL + "/api/products")
		if second.Status != 429 || second.Header.Get("Retry-After") == "" || second.Header.Get("Sluice-Error-Code") == "" {
			w.t.Fatalf("a request over the limit: %d %v", second.Status, second.Header)
		}
		w.refused = second.ExchangeID()
	}
}

// inspect: both kinds stand in the list, and the 429s can be filtered.
func (w *walk) inspect() {
	mine := "@object.conn.server_name:demo.localhost"
	harness.Eventually(w.t, 10*time.Second, "the exchanges are listed", func() error {
		all, err := w.api.Exchanges(mine)
		if err == nil && len(all) != 3 {
			err = fmt.Errorf("%d exchanges", len(all))
		}
		return err
	})
	refused, err := w.api.Exchanges(mine + " status:429")
	if err != nil || len(refused) != 2 {
		w.t.Fatalf("%d refused exchanges: %v", len(refused), err)
	}
	for _, e := range refused {
		if harness.At(e, "timings.upstream") != nil || harness.At(e, "policy.action") != "rate-limit" {
			w.t.Errorf("a refused request reached the API: %v", e)
		}
		if took, err := time.ParseDuration(harness.At(e, "timings.duration").(string)); err != nil || took > time.Second {
			w.t.Errorf("a refused request took %v", took)
		}
		if harness.At(e, "connection.client_ip") != "127.0.0.1" || e["endpoint_url"] != publicURL || e["start_time"] == "" {
			w.t.Errorf("origin, destination or time is missing: %v", e)
		}
	}
}

// captureInFull: bodies appear from the moment full capture is switched on.
func (w *walk) captureInFull() {
	w.setCapacity(1000)
	w.api.Must(w.t, "PATCH", "/api/v1/settings/capture", harness.Object{"mode": "CAPTURE_MODE_FULL"}, nil)
	w.sys.Settle()
	order := `{"product_id":2,"quantity":3}`
	a := w.any(0).Send("POST", publicURL+"/api/orders", order, "Content-Type: application/json", "Authorization: Bearer very-secret-token")
	if a.Status != 201 {
		w.t.Fatalf("order: %d %s", a.Status, a.Body)
	}
	e := w.exchange(a.ExchangeID())
	if got := decode(w.t, harness.At(e, "request.body.content")); got != order {
		w.t.Errorf("the request body was recorded as %q", got)
	}
	if got := decode(w.t, harness.At(e, "response.body.content")); got != a.Body {
		w.t.Errorf("the response body was recorded as %q, was %q", got, a.Body)
	}
	if strings.Contains(fmt.Sprint(e), "very-secret-token") {
		w.t.Error("the token was recorded")
	}
}

// replay: a refused request passes once the limit allows it, and a changed one
// reaches the API changed.
func (w *walk) replay() {
	w.setCapacity(10)
	var res struct {
		ExchangeID string `json:"exchange_id"`
		StatusCode int    `json:"status_code"`
	}
	w.api.Must(w.t, "POST", "/api/v1/exchanges/"+w.refused+":replay", harness.Object{}, &res)
	if res.StatusCode != 200 {
		w.t.Fatalf("the replay of a 429 under a higher limit: %d", res.StatusCode)
	}
	if e := w.exchange(res.ExchangeID); e["replay_of"] != w.refused {
		w.t.Errorf("replay_of is %v", e["replay_of"])
	}
	if original := w.exchange(w.refused); fmt.Sprint(original["replays"]) != "["+res.ExchangeID+"]" {
		w.t.Errorf("the original links to %v", original["replays"])
	}
	w.api.Must(w.t, "POST", "/api/v1/exchanges/"+w.refused+":replay", harness.Object{
		"method": "POST", "path": "/echo?x=1",
		"set_headers": []harness.Object{{"name": "X-Try", "value": "two"}, {"name": "Content-Type", "value": "text/plain"}},
		"body":        base64.StdEncoding.EncodeToString([]byte("changed body")),
	}, &res)
	e := w.exchange(res.ExchangeID)
	saw := decode(w.t, harness.At(e, "response.body.content"))
	for _, want := range []string{`"method":"POST"`, `"query":"x=1"`, `"X-Try":["two"]`, `"body":"changed body"`} {
		if !strings.Contains(saw, want) {
			w.t.Errorf("the API did not see %s: %s", want, saw)
		}
	}
}

// exchange waits until id is recorded.
func (w *walk) exchange(id string) (e harness.Object) {
	w.t.Helper()
	harness.Eventually(w.t, 10*time.Second, "exchange "+id+" is recorded", func() error {
		return w.api.Do("GET", "/api/v1/exchanges/"+id, nil, &e)
	})
	return e
}

func decode(t *testing.T, v any) string {
	t.Helper()
	text, _ := v.(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("%q is not base64: %v", text, err)
	}
	return string(raw)
}
