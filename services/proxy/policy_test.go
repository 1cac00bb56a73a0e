package proxy_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	proxy "sluice.dev/services/proxy"
)

const rateLimited = `
on_http_request:
  - name: throttle
    actions:
      - type: rate-limit
        config: {name: per-key, algorithm: sliding_window, capacity: %CAPACITY%, rate: 60s, bucket_key: ["req.headers['x-key'][0]"], on_store_error: %MODE%}
`

func limitTo(capacity, mode string) string {
	return strings.NewReplacer("%CAPACITY%", capacity, "%MODE%", mode).Replace(rateLimited)
}

func TestRateLimitIsAskedAndRemembered(t *testing.T) {
	up := serve(t, hello)
	p, policy := newPolicyServer(t, endpoint(up.URL, limitTo("2", "local")))
	p.setDecide(admit(30 * time.Second))
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	r.linked(p)
	for i, want := range []int{200, 200, 429, 429, 429} {
		res := r.send("GET", "/", "", "X-Key", "a")
		if res.StatusCode != want {
			t.Fatalf("request %d: %d, want %d", i, res.StatusCode, want)
		}
		if want == 429 && (res.Header.Get("Sluice-Error-Code") != "SLUICE_4029" || res.Header.Get("Retry-After") == "" || res.Header.Get("Content-Type") != "application/json") {
			t.Errorf("%v", res.Header)
		}
	}
	if _, checks := p.counts(); checks != 3+1 { // one by linked; two refusals were answered here
		t.Errorf("%d checks", checks)
	}
	if n := r.metric("sluice_proxy_rate_limit_checks_total", "refused_cached"); n != 2 {
		t.Errorf("%v refused from memory", n)
	}
	_, _, exchangeID := r.get("/", "X-Key", "a")
	eventually(t, "the record", func() bool { return c.exchange(exchangeID) != nil })
	e := c.exchange(exchangeID)
	if got := e.GetPolicy(); got.GetRule() != "throttle" || got.GetAction() != "rate-limit" || got.GetRateLimitDecision() != "block" || e.GetError().GetCode() != "SLUICE_4029" || e.GetUpstream() != nil || e.GetResponse().GetStatusCode() != 429 {
		t.Errorf("recorded %v", e)
	}

	// Another capacity is another question, at once.
	more := endpoint(up.URL, limitTo("3", "local"))
	more.Revision = 2
	p.change(&policyv1.Delta{Revision: 2, Changed: []*policyv1.Endpoint{more}})
	eventually(t, "revision 2", func() bool { return r.status().GetRevision() == 2 })
	if status, _, _ := r.get("/", "X-Key", "a"); status != 200 {
		t.Errorf("after the capacity was raised: %d", status)
	}
}

// linked waits until the proxy's checks reach the counter.
func (r *running) linked(p *policyServer) {
	r.t.Helper()
	eventually(r.t, "the limiter's stream", func() bool {
		r.get("/", "X-Key", "warm-up")
		_, checks := p.counts()
		return checks > 0
	})
}

func TestChecksOfOneMomentTravelTogether(t *testing.T) {
	up := serve(t, hello)
	p, policy := newPolicyServer(t, endpoint(up.URL, limitTo("1000000", "deny")))
	p.setDecide(admit(0))
	r := run(t, t.TempDir(), policy.address, nowhere).ready()
	r.linked(p)
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for range 30 {
				if status, _, _ := r.get("/", "X-Key", "a"); status != 200 {
					t.Errorf("%d", status)
				}
			}
		})
	}
	group.Wait()
	if messages, checks := p.counts(); checks != 32*30+1 || messages > checks {
		t.Errorf("%d checks in %d messages", checks, messages)
	}
}

func TestModesWithoutTheCounter(t *testing.T) {
	up := serve(t, hello)
	for mode, want := range map[string][]int{"allow": {200, 200, 200}, "deny": {503, 503, 503}, "local": {200, 200, 429}} {
		for _, away := range []bool{true, false} {
			p, policy := newPolicyServer(t, endpoint(up.URL, limitTo("2", mode)))
			p.setDecide(admit(0))
			dir := t.TempDir()
			r := run(t, dir, policy.address, nowhere, func(c *proxy.Config) { c.RateLimitTimeout = 200 * time.Millisecond }).ready()
			if away {
				eventually(t, "the snapshot file", func() bool { _, err := os.Stat(dir + "/snapshot.pb"); return err == nil })
				policy.stop()
				eventually(t, "the end of the connection", func() bool { return !r.status().GetConnected() })
			} else {
				r.linked(p)
				p.setDecide(nil) // connected, and says nothing
			}
			for i, status := range want {
				if got, _, _ := r.get("/", "X-Key", "a"); got != status {
					t.Errorf("%s, away %t, request %d: %d, want %d", mode, away, i, got, status)
				}
			}
			r.end()
		}
	}
}

func TestHTTPSWithTheLocalCA(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proto", r.Header.Get("X-Forwarded-Proto"))
		if r.URL.Path == "/sse" {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 2 {
				_, _ = io.WriteString(w, "data: x\n\n")
				w.(http.Flusher).Flush()
			}
			<-r.Context().Done()
			return
		}
		_, _ = io.Copy(w, r.Body)
	})
	e := endpoint(up.URL, "on_http_response: [{actions: [{type: add-headers, config: {headers: {x-tls: \"${conn.tls.version}\"}}}]}]")
	e.Url = "https://*.shop.localhost"
	_, policy := newPolicyServer(t, e)
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	pem, err := os.ReadFile(r.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, http2 := range []bool{true, false} {
		transport := &http.Transport{ForceAttemptHTTP2: http2, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "a.shop.localhost"}}
		client := &http.Client{Transport: transport}
		req, _ := http.NewRequest(http.MethodPost, "https://"+r.HTTPSAddress()+"/", strings.NewReader("over TLS"))
		req.Host = "a.shop.localhost"
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || string(body) != "over TLS" || res.Header.Get("X-Proto") != "https" || (res.ProtoMajor == 2) != http2 {
			t.Errorf("%s %d %q %v", res.Proto, res.StatusCode, body, res.Header)
		}
		exchangeID := res.Header.Get("Sluice-Exchange-Id")
		eventually(t, "the record", func() bool { return c.exchange(exchangeID) != nil })
		got := c.exchange(exchangeID)
		if tl := got.GetConnection().GetTls(); tl.GetServerName() != "a.shop.localhost" || tl.GetVersion() != "1.3" || got.GetRequest().GetHttpVersion() != res.Proto {
			t.Errorf("recorded %v of %s", tl, got.GetRequest().GetHttpVersion())
		}
		req, _ = http.NewRequest(http.MethodGet, "https://"+r.HTTPSAddress()+"/sse", nil)
		req.Host = "a.shop.localhost"
		if res, err = client.Do(req); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "data: x\n" {
			t.Errorf("event %q %v", line, err)
		}
		_ = res.Body.Close()
		transport.CloseIdleConnections()
	}
}

func TestDrainHandsEverythingOver(t *testing.T) {
	release, arrived := make(chan struct{}), make(chan struct{}, 1)
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		_, _ = io.WriteString(w, "late")
	})
	_, policy := newPolicyServer(t, endpoint(up.URL, ""))
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	eventually(t, "accounting", func() bool { return c.report() != nil })
	answered := make(chan string, 1)
	go func() { _, _, exchangeID := r.get("/"); answered <- exchangeID }()
	<-arrived
	r.stop()
	eventually(t, "a closed listener", func() bool {
		res, err := http.Get("http://" + r.HTTPAddress())
		if err == nil {
			_ = res.Body.Close()
		}
		return err != nil
	})
	close(release)
	exchangeID := <-answered
	r.end()
	if c.exchange(exchangeID) == nil {
		t.Error("the last record was not handed over")
	}
	// Requests that came while the listener closed may be among them.
	if a := c.report(); a.GetStored() == 0 || a.GetStored() != a.GetSeen() || a.GetPending() != 0 {
		t.Errorf("the last accounting: %v", a)
	}
}
