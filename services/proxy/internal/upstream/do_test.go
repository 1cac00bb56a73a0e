package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
)

func serve(tb testing.TB, h http.HandlerFunc) *httptest.Server {
	tb.Helper()
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	return s
}

// closedPort is an address that refuses connections.
func closedPort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func to(urls ...string) *policyv1.Upstream {
	doc := &policyv1.Upstream{}
	for _, u := range urls {
		doc.Targets = append(doc.Targets, &policyv1.UpstreamTarget{Url: u})
	}
	return doc
}

func request(method, body string) *message.Request {
	req := &message.Request{Method: method, Target: "/x", Scheme: "http", Host: "api.test", Proto: "HTTP/1.1", ContentLength: int64(len(body)), Body: http.NoBody}
	if body != "" {
		req.Body = io.NopCloser(strings.NewReader(body))
	}
	return req
}

// said is the answer to a request and its body.
type said struct {
	status int
	body   string
	call   Call
	err    error
}

func ask(p *Pool, u *Upstream, req *message.Request) said {
	res, call, err := p.Do(context.Background(), u, req, Caller{Client: client(1)})
	if err != nil {
		return said{call: call, err: err}
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return said{res.Status, string(body), call, err}
}

func code(err error) string {
	var f *CallError
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func TestRetries(t *testing.T) {
	failing := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(503)
		_, _ = io.WriteString(w, "busy")
	})
	breaking := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
	slow := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "echo "+string(body))
	})
	closed := closedPort(t)
	big := strings.Repeat("x", ReplayLimit+1)
	for name, tt := range map[string]struct {
		targets []string
		retry   *policyv1.RetryPolicy
		method  string
		body    string
		status  int
		code    string
		want    string
		failed  int
		because string
	}{
		"no rule":                   {[]string{closed, echo.URL}, nil, "GET", "", 0, "SLUICE_3006", "", 0, ""},
		"refused":                   {[]string{closed, echo.URL}, &policyv1.RetryPolicy{}, "GET", "", 200, "", "echo ", 1, "is it running?"},
		"refused, whatever method":  {[]string{closed, echo.URL}, &policyv1.RetryPolicy{}, "POST", "hi", 200, "", "echo hi", 1, "is it running?"},
		"refused, a large body":     {[]string{closed, echo.URL}, &policyv1.RetryPolicy{}, "POST", big, 200, "", "echo " + big, 1, "is it running?"},
		"a status":                  {[]string{failing.URL, echo.URL}, &policyv1.RetryPolicy{}, "PUT", "hi", 200, "", "echo hi", 1, ""},
		"a status, not idempotent":  {[]string{failing.URL, echo.URL}, &policyv1.RetryPolicy{}, "POST", "hi", 503, "", "busy", 0, ""},
		"a status, method named":    {[]string{failing.URL, echo.URL}, &policyv1.RetryPolicy{Methods: []string{"POST"}}, "POST", "hi", 200, "", "echo hi", 1, ""},
		"a status, not named":       {[]string{failing.URL, echo.URL}, &policyv1.RetryPolicy{Statuses: []uint32{502}}, "GET", "", 503, "", "busy", 0, ""},
		"a status, a large body":    {[]string{failing.URL, echo.URL}, &policyv1.RetryPolicy{}, "PUT", big, 503, "", "busy", 0, ""},
		"broken":                    {[]string{breaking.URL, echo.URL}, &policyv1.RetryPolicy{}, "GET", "", 200, "", "echo ", 1, "invalid or incomplete"},
		"broken, not idempotent":    {[]string{breaking.URL, echo.URL}, &policyv1.RetryPolicy{}, "POST", "hi", 0, "SLUICE_3004", "", 0, ""},
		"too slow":                  {[]string{slow.URL, echo.URL}, &policyv1.RetryPolicy{}, "GET", "", 200, "", "echo ", 1, "in time"},
		"too slow, 504 not named":   {[]string{slow.URL, echo.URL}, &policyv1.RetryPolicy{Statuses: []uint32{503}}, "GET", "", 0, "SLUICE_3008", "", 0, ""},
		"the same again":            {[]string{failing.URL}, &policyv1.RetryPolicy{Attempts: 2}, "GET", "", 503, "", "busy", 2, ""},
		"all fail":                  {[]string{closed, failing.URL}, &policyv1.RetryPolicy{Attempts: 1}, "GET", "", 503, "", "busy", 1, ""},
		"several are passed over":   {[]string{closed, failing.URL, breaking.URL, echo.URL}, &policyv1.RetryPolicy{Attempts: 3}, "PUT", "hi", 200, "", "echo hi", 3, ""},
		"until the rule's attempts": {[]string{closed, failing.URL, breaking.URL, echo.URL}, &policyv1.RetryPolicy{Attempts: 2}, "PUT", "hi", 0, "SLUICE_3004", "", 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, Config{})
			doc := to(tt.targets...)
			doc.Retry, doc.Timeouts = tt.retry, &policyv1.UpstreamTimeouts{FirstByte: durationpb.New(200 * time.Millisecond)}
			got := ask(p, parse(t, doc, nil), request(tt.method, tt.body))
			if got.status != tt.status || code(got.err) != tt.code || got.body != tt.want || len(got.call.Failed) != tt.failed {
				t.Fatalf("%d %.40q %v after %+v", got.status, got.body, got.err, got.call.Failed)
			}
			for i, a := range got.call.Failed {
				if a.Address != strings.TrimPrefix(tt.targets[i%len(tt.targets)], "http://") || a.Sent.IsZero() || a.Duration <= 0 || i == 0 && !strings.Contains(a.Error, tt.because) || (a.Error == "") != (a.Status == 503) {
					t.Errorf("attempt %d: %+v", i, a)
				}
			}
		})
	}
}

func TestRetriesAreBudgeted(t *testing.T) {
	failing := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	p := newPool(t, Config{})
	doc := to(failing.URL, failing.URL+"/other")
	doc.Retry = &policyv1.RetryPolicy{BudgetPercent: 10}
	u := parse(t, doc, nil)
	retried := 0
	const requests = 400
	for range requests {
		if got := ask(p, u, request("GET", "")); len(got.call.Failed) > 0 {
			retried++
		}
	}
	// The 100 that are free, and 10 % of the requests so far.
	if retried < 100 || retried > 100+requests/10 {
		t.Errorf("%d of %d were retried", retried, requests)
	}
}

func TestMaxRequests(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		entered <- struct{}{}
		<-release
	})
	p := newPool(t, Config{})
	u := parse(t, &policyv1.Upstream{Url: s.URL, MaxRequests: 1}, nil)
	done := make(chan said, 1)
	go func() { done <- ask(p, u, request("GET", "")) }()
	<-entered
	got := ask(p, u, request("GET", ""))
	var f *CallError
	if !errors.As(got.err, &f) || f.Status != 503 || f.Code != "SLUICE_743" {
		t.Errorf("beyond the limit: %+v", got)
	}
	close(release)
	if first := <-done; first.status != 200 || u.members[0].active.Load() != 0 {
		t.Errorf("%+v, %d active", first, u.members[0].active.Load())
	}
	go func() { <-entered }()
	if got := ask(p, u, request("GET", "")); got.status != 200 {
		t.Errorf("with room again: %+v", got)
	}
}

func TestTimesOfACall(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(30 * time.Millisecond)
		_, _ = io.WriteString(w, "ok")
	})
	secure := httptest.NewUnstartedServer(s.Config.Handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	for name, doc := range map[string]*policyv1.Upstream{
		"HTTP/1.1": {Url: s.URL}, "HTTP/2.0": {Url: secure.URL, TlsSkipVerify: true}, "HTTP/1.1 over TLS": {Url: secure.URL, TlsSkipVerify: true, Protocol: policyv1.UpstreamProtocol_UPSTREAM_PROTOCOL_HTTP1},
	} {
		p := newPool(t, Config{})
		u := parse(t, doc, nil)
		for i := range 2 {
			got := ask(p, u, request("GET", ""))
			c := got.call
			if got.body != "ok" || !strings.HasPrefix(name, c.Proto) || c.Reused != (i == 1) || c.FirstByte < 30*time.Millisecond || c.FirstByte > 5*time.Second || c.Sent.IsZero() {
				t.Errorf("%s: %+v", name, got)
			}
			if (c.Connect > 0) != (i == 0) || (c.TLSHandshake > 0) != (i == 0 && strings.HasPrefix(doc.Url, "https")) {
				t.Errorf("%s: connect %s, handshake %s", name, c.Connect, c.TLSHandshake)
			}
		}
	}
}

// TestTimeoutsHaveCodes over both kinds of transport.
func TestTimeoutsHaveCodes(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body/x" {
			_, _ = io.WriteString(w, "some")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	plain := httptest.NewUnstartedServer(handler)
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	plain.Config.Protocols = &protocols
	plain.Start()
	defer plain.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	short := &policyv1.UpstreamTimeouts{Connect: durationpb.New(100 * time.Millisecond), FirstByte: durationpb.New(100 * time.Millisecond), Idle: durationpb.New(100 * time.Millisecond)}
	for name, protocol := range map[string]policyv1.UpstreamProtocol{"HTTP/1.1": 0, "HTTP/2": policyv1.UpstreamProtocol_UPSTREAM_PROTOCOL_HTTP2} {
		p := newPool(t, Config{})
		got := ask(p, parse(t, &policyv1.Upstream{Url: plain.URL, Protocol: protocol, Timeouts: short}, nil), request("GET", ""))
		var f *CallError
		if !errors.As(got.err, &f) || f.Status != 504 || f.Code != "SLUICE_3008" || !strings.Contains(f.Message, "answer in time") {
			t.Errorf("%s: no answer: %v", name, got.err)
		}
		if got := ask(p, parse(t, &policyv1.Upstream{Url: plain.URL + "/body", Protocol: protocol, Timeouts: short}, nil), request("GET", "")); got.body != "some" || !IsTimeout(got.err) {
			t.Errorf("%s: a pause in the body: %+v", name, got)
		}
		secure := parse(t, &policyv1.Upstream{Url: "https://" + mute.Addr().String(), Protocol: protocol, Timeouts: short}, nil)
		if got := ask(p, secure, request("POST", "x")); !errors.As(got.err, &f) || f.Status != 504 || !strings.Contains(f.Message, "accept a connection") {
			t.Errorf("%s: no handshake: %v", name, got.err)
		}
	}
}

// TestNegotiation: what speaks HTTP/1.1 over TLS is called by the own transport from
// the second time on; HTTP/2 stays.
func TestNegotiation(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
		s.EnableHTTP2 = http2
		s.StartTLS()
		defer s.Close()
		want := map[bool]string{true: "HTTP/2.0", false: "HTTP/1.1"}[http2]
		p := newPool(t, Config{})
		u := parse(t, &policyv1.Upstream{Url: s.URL, TlsSkipVerify: true}, nil)
		for i := range 3 {
			if got := ask(p, u, request("GET", "")); got.body != want || got.call.Proto != want {
				t.Errorf("%d: %+v, want %s", i, got, want)
			}
			if u.members[0].plainTLS.Load() == http2 {
				t.Errorf("HTTP/2 %t, remembered as HTTP/1.1: %t", http2, !http2)
			}
		}
		only := parse(t, &policyv1.Upstream{Url: s.URL, TlsSkipVerify: true, Protocol: policyv1.UpstreamProtocol_UPSTREAM_PROTOCOL_HTTP2}, nil)
		if got := ask(p, only, request("GET", "")); (got.err == nil) != http2 || !http2 && code(got.err) != "SLUICE_3005" {
			t.Errorf("only HTTP/2, of a server that has it %t: %+v", http2, got)
		}
	}
}

// TestOutliersOfRealCalls and the metrics that tell of them.
func TestOutliersOfRealCalls(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	sick := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(502)
		}
	})
	well := serve(t, func(http.ResponseWriter, *http.Request) {})
	p := newPool(t, Config{})
	doc := to(sick.URL, well.URL)
	doc.OutlierDetection = &policyv1.OutlierDetection{ConsecutiveFailures: 2}
	u := parse(t, doc, nil)
	p.Configure(func(yield func(*Upstream) bool) { yield(u) })
	failed := 0
	for range 20 {
		if got := ask(p, u, request("GET", "")); got.status != 200 {
			failed++
		}
	}
	if failed != 2 {
		t.Errorf("%d requests failed, want the 2 that it took", failed)
	}
	if got := gauge(t, p, sick.URL); got != 0 {
		t.Errorf("the ejected one counts as healthy: %v", got)
	}
	if got := gauge(t, p, well.URL); got != 1 {
		t.Errorf("the other does not: %v", got)
	}
}
