package proxy_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/id"
	proxy "sluice.dev/services/proxy"
)

// balanced checks the accounting as the metrics tell it, at any time.
func (r *running) balanced() {
	r.t.Helper()
	families, err := r.tel.Registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	sum := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			sum[strings.TrimPrefix(f.GetName(), "sluice_proxy_exchanges_")] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	if sum["seen_total"] != sum["stored_total"]+sum["sampled_total"]+sum["dropped_total"]+sum["pending"] {
		r.t.Errorf("seen %v, stored %v, sampled %v, dropped %v, pending %v", sum["seen_total"], sum["stored_total"], sum["sampled_total"], sum["dropped_total"], sum["pending"])
	}
}

// seen waits until n exchanges have ended.
func (r *running) seen(n int) {
	r.t.Helper()
	eventually(r.t, fmt.Sprint(n, " exchanges"), func() bool { r.balanced(); return r.metric("sluice_proxy_exchanges_seen_total") == float64(n) })
}

func TestExchangesAreRecordedAndRedacted(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "sid=hush; Path=/")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("answer"))
	})
	_, policy := newPolicyServer(t, endpoint(up.URL, "on_http_request: [{name: note, actions: [{type: log, config: {metadata: {k: v}}}]}]"))
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	res := r.send("POST", "/a%20b/c?x=1&access_token=hush", "question", "Authorization", "Bearer hush", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Latin", "caf\xe9")
	exchangeID := res.Header.Get("Sluice-Exchange-Id")
	eventually(t, "the record", func() bool { return c.exchange(exchangeID) != nil })
	e := c.exchange(exchangeID)
	if strings.Contains(e.String(), "hush") {
		t.Errorf("a secret left the process: %v", e)
	}
	req, response := e.GetRequest(), e.GetResponse()
	for what, ok := range map[string]bool{
		"endpoint":   e.GetEndpointId() == "ep_1" && e.GetEndpointName() == "api" && e.GetEndpointUrl() == "http://api.test",
		"request":    req.GetMethod() == "POST" && req.GetScheme() == "http" && req.GetHost() == "api.test" && req.GetPath() == "/a b/c" && req.GetHttpVersion() == "HTTP/1.1",
		"url":        strings.HasPrefix(req.GetUrl(), "http://api.test/a%20b/c?x=1&access_token="),
		"bodies":     string(req.GetBody().GetContent()) == "question" && string(response.GetBody().GetContent()) == "answer" && e.GetFullCapture(),
		"status":     response.GetStatusCode() == 201,
		"trace":      e.GetTraceId() == "0af7651916cd43dd8448eb211c80319c",
		"timings":    e.GetTimings().GetDuration().AsDuration() > 0 && e.GetTimings().GetUpstream().AsDuration() > 0 && e.GetTimings().GetFirstByte().AsDuration() > 0,
		"connection": e.GetConnection().GetClientIp() == "127.0.0.1" && e.GetConnection().GetClientPort() > 0 && e.GetConnection().GetBytesIn() > 100 && e.GetConnection().GetBytesOut() > 50,
		"upstream":   e.GetUpstream().GetAddress() == strings.TrimPrefix(up.URL, "http://"),
		"policy":     e.GetPolicy().GetRevision() == 1 && len(e.GetPolicy().GetLogs()) == 1 && e.GetPolicy().GetLogs()[0] == `{"k":"v"}`,
		"proxy":      strings.HasPrefix(e.GetProxyId(), "px_"),
		"not utf-8":  strings.Contains(req.String(), "caf"),
	} {
		if !ok {
			t.Errorf("%s: %v", what, e)
		}
	}
	for _, h := range req.GetHeaders() {
		if strings.HasPrefix(h.GetName(), "X-Forwarded") || h.GetName() == "Authorization" && h.GetRedactedBy() == "" {
			t.Errorf("recorded %v", h)
		}
	}
}

func TestReplaysAreLinkedWhenGenuine(t *testing.T) {
	got := make(chan http.Header, 10)
	up := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	p, policy := newPolicyServer(t, endpoint(up.URL, ""))
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	of := id.Exchange.New()
	sign := func(key []byte, at time.Time) []string {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s\n%d", of, at.Unix())
		return []string{"Sluice-Replay-Of", of, "Sluice-Replay-Time", strconv.FormatInt(at.Unix(), 10), "Sluice-Replay-Signature", hex.EncodeToString(mac.Sum(nil))}
	}
	for name, tt := range map[string]struct {
		header []string
		want   string
	}{
		"genuine":  {sign(p.snapshot.ReplayKey, time.Now()), of},
		"forged":   {sign([]byte("another key"), time.Now()), ""},
		"old":      {sign(p.snapshot.ReplayKey, time.Now().Add(-2*time.Minute)), ""},
		"unsigned": {[]string{"Sluice-Replay-Of", of}, ""},
	} {
		_, _, exchangeID := r.get("/", tt.header...)
		for name := range <-got {
			if strings.HasPrefix(name, "Sluice-") {
				t.Errorf("%s reached the upstream", name)
			}
		}
		eventually(t, "the record", func() bool { return c.exchange(exchangeID) != nil })
		if e := c.exchange(exchangeID); e.GetReplayOf() != tt.want || strings.Contains(e.GetRequest().String(), "eplay") {
			t.Errorf("%s: replay of %q, %v", name, e.GetReplayOf(), e.GetRequest())
		}
	}
}

func TestAccountingReachesCapture(t *testing.T) {
	up := serve(t, hello)
	_, policy := newPolicyServer(t, endpoint(up.URL, ""))
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 250 {
				r.get("/")
				r.balanced()
			}
		})
	}
	group.Wait()
	eventually(t, "the accounting", func() bool {
		r.balanced()
		a := c.report()
		return a.GetSeen() == 1000 && a.GetStored() == 1000 && a.GetPending() == 0
	})
	if c.stored() != 1000 {
		t.Errorf("%d stored", c.stored())
	}
}

func TestSpoolBridgesAnOutageAndARestart(t *testing.T) {
	up := serve(t, hello)
	_, policy := newPolicyServer(t, endpoint(up.URL, ""))
	c, capture := newCaptureServer(t)
	dir := t.TempDir()
	r := run(t, dir, policy.address, capture.address).ready()
	var ids []string
	ask := func(r *running, n int) {
		for range n {
			_, _, exchangeID := r.get("/")
			ids = append(ids, exchangeID)
		}
	}
	ask(r, 50)
	eventually(t, "the first records", func() bool { return c.stored() == 50 })
	capture.stop()
	ask(r, 50)
	eventually(t, "the spool", func() bool { return r.metric("sluice_proxy_spool_bytes") > 0 })
	ask(r, 50)
	capture.start()
	eventually(t, "the records of the outage", func() bool { r.balanced(); return c.stored() == 150 })
	eventually(t, "all acknowledgements, and an empty spool", func() bool {
		return r.metric("sluice_proxy_exchanges_stored_total") == 150 && r.metric("sluice_proxy_spool_bytes") == 0
	})
	capture.stop()
	ask(r, 50)
	r.end() // hands over to the spool

	c.set(func(c *captureServer) { c.order = nil })
	capture.start()
	r = run(t, dir, policy.address, capture.address).ready()
	ask(r, 10)
	eventually(t, "all records", func() bool { return c.stored() == 210 })
	eventually(t, "the accounting", func() bool {
		a := c.report()
		return a.GetRecovered() == 50 && a.GetSeen() == 10 && a.GetStored() == 10
	})
	for _, exchangeID := range ids {
		if c.exchange(exchangeID) == nil {
			t.Errorf("%s is lost", exchangeID)
		}
	}
	if c.order[0] > c.order[len(c.order)-1] || c.conflict != "" {
		t.Errorf("oldest first: %s came before %s; conflict %q", c.order[0], c.order[len(c.order)-1], c.conflict)
	}
}

func TestUnacknowledgedBatchesAreSentAgainUnchanged(t *testing.T) {
	up := serve(t, hello)
	_, policy := newPolicyServer(t, endpoint(up.URL, ""))
	c, capture := newCaptureServer(t)
	c.set(func(c *captureServer) { c.mute = true })
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	for range 20 {
		r.get("/")
	}
	eventually(t, "the records", func() bool { return c.stored() == 20 })
	if n := r.metric("sluice_proxy_exchanges_stored_total"); n != 0 {
		t.Errorf("%v stored without an acknowledgement", n)
	}
	capture.stop()
	var first int
	c.set(func(c *captureServer) { c.mute, first = false, c.deliveries })
	capture.start()
	eventually(t, "the acknowledgements", func() bool { r.balanced(); return r.metric("sluice_proxy_exchanges_stored_total") == 20 })
	c.set(func(c *captureServer) {
		if c.conflict != "" || c.deliveries <= first || len(c.exchanges) != 20 {
			t.Errorf("conflict %q, %d deliveries after %d, %d exchanges", c.conflict, c.deliveries, first, len(c.exchanges))
		}
	})
}

func TestTrafficFlowsWhileNothingCanBeKept(t *testing.T) {
	up := serve(t, hello)
	_, policy := newPolicyServer(t, endpoint(up.URL, ""))
	r := run(t, t.TempDir(), policy.address, nowhere, func(c *proxy.Config) { c.SpoolMaxBytes = 2000 }).ready()
	for range 200 {
		if status, _, _ := r.get("/"); status != 200 {
			t.Fatal(status)
		}
		r.balanced()
	}
	r.seen(200)
	eventually(t, "drops", func() bool {
		r.balanced()
		return r.metric("sluice_proxy_exchanges_dropped_total", "spool_full")+r.metric("sluice_proxy_exchanges_dropped_total", "too_large") > 0
	})
}

func TestFullQueueDrops(t *testing.T) {
	up := serve(t, hello)
	_, policy := newPolicyServer(t, endpoint(up.URL, ""))
	r := run(t, t.TempDir(), policy.address, nowhere, func(c *proxy.Config) { c.QueueBytes = 1 }).ready()
	// One record fits an empty queue, whatever its size; of a burst most do not.
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				r.get("/")
			}
		})
	}
	group.Wait()
	r.seen(400)
	if r.metric("sluice_proxy_exchanges_dropped_total", "queue_full") == 0 {
		t.Error("nothing was dropped")
	}
}

// The settings leave nearly everything out; the endpoint, its policy and conditions
// say otherwise.
func TestEndpointAndPolicyDecideWhatIsRecorded(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = w.Write([]byte(strings.Repeat("answer ", 5)))
	})
	e := endpoint(up.URL, `
on_http_request:
  - expressions: ["req.url.path == '/full'"]
    actions: [{type: capture, config: {mode: full, keep: true, response_body_limit: 10}}]
on_http_response:
  - expressions: ["res.status_code == 200 && req.url.path == '/late'"]
    actions: [{type: capture, config: {keep: true}}]
`)
	e.Capture = &policyv1.EndpointCapture{Keep: &policyv1.CaptureKeep{ServerErrors: true, Expression: "req.url.path == '/named' && res.status_code == 200"}}
	p, policy := newPolicyServer(t, e)
	p.snapshot.Capture = &policyv1.CaptureSettings{SamplePercent: 1e-9}
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	want := map[string]string{"/broken": "server_error", "/named": "expression", "/full": "rule", "/late": "rule"}
	ids := map[string]string{}
	for _, path := range []string{"/ordinary", "/broken", "/named", "/full", "/late", "/other"} {
		_, _, ids[path] = r.get(path)
	}
	eventually(t, "the accounting", func() bool {
		r.balanced()
		a := c.report()
		return a.GetSeen() == 6 && a.GetStored() == 4 && a.GetSampled() == 2
	})
	for path, keptBy := range want {
		got := c.exchange(ids[path])
		if got.GetKeptBy() != keptBy || got.GetFullCapture() != (path == "/full") {
			t.Errorf("%s: kept by %q, full %t", path, got.GetKeptBy(), got.GetFullCapture())
		}
	}
	if b := c.exchange(ids["/full"]).GetResponse().GetBody(); string(b.GetContent()) != "answer ans" || !b.GetTruncated() {
		t.Errorf("%v", b)
	}
}
