package front_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/id"
)

func TestRequestAndResponsePassUnchanged(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Host, " ", string(body)))
		w.Header()["X-Multi"] = []string{"a", "b"}
		w.Header().Set("Sluice-Error-Code", "SLUICE_1")
		w.Header().Set("Sluice-Exchange-Id", "ex_forged")
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Keep-Alive", "X-Hop", "Te", "Proxy-Authorization", "User-Agent"} {
			w.Header().Set("Got-"+name, strings.Join(r.Header[name], "|"))
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	})
	h := start(t, to(up.URL+"/base/"))
	req := h.request("PUT", "/a%2Fb//c?x=%20&y", "hello")
	req.Header.Set("X-Forwarded-For", "9.9.9.9")
	if !spoken.http2() {
		req.Header.Set("Connection", "X-Hop")
		req.Header.Set("X-Hop", "1")
		req.Header.Set("Keep-Alive", "5")
	}
	req.Header.Set("Proxy-Authorization", "x")
	req.Header.Set("User-Agent", "")
	res := h.do(req)
	body, _ := io.ReadAll(res.Body)

	if res.StatusCode != http.StatusTeapot || string(body) != "short and stout" || res.ContentLength != 15 {
		t.Errorf("%d %q length %d", res.StatusCode, body, res.ContentLength)
	}
	want := map[string]string{
		"X-Seen":                  "PUT /base/a%2Fb//c?x=%20&y api.test hello",
		"Got-X-Forwarded-For":     "9.9.9.9, 127.0.0.1",
		"Got-X-Forwarded-Proto":   spoken.scheme(),
		"Got-X-Forwarded-Host":    "api.test",
		"Got-Keep-Alive":          "",
		"Got-X-Hop":               "",
		"Got-Te":                  "",
		"Got-Proxy-Authorization": "",
		"Got-User-Agent":          "",
		"Sluice-Error-Code":       "",
	}
	for name, v := range want {
		if got := res.Header.Get(name); got != v {
			t.Errorf("%s = %q, want %q", name, got, v)
		}
	}
	if got := res.Header["X-Multi"]; len(got) != 2 || got[0] != "a" {
		t.Errorf("X-Multi = %q", got)
	}
	exchangeID := res.Header["Sluice-Exchange-Id"]
	if len(exchangeID) != 1 || !id.Exchange.Valid(exchangeID[0]) {
		t.Errorf("Sluice-Exchange-Id = %q", exchangeID)
	}
	if e := h.recorded(); e.GetId() != exchangeID[0] || e.GetEndpointId() != "ep_1" {
		t.Errorf("recorded %s at %s", e.GetId(), e.GetEndpointId())
	}
}

func TestTargetsKeepTheirBytes(t *testing.T) {
	onlyHTTP1(t)
	up := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) })
	h := start(t, to(up.URL))
	for _, target := range []string{"/", "/?", "//evil/x?a", "/a/../b/./c", "/%7Euser/%zz"[:8], "/a;b=c,d", "/ünï"[:1] + "%C3%BC", "/p?q=a+b%2B"} {
		conn, _ := h.dial()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n", target)
		all, _ := io.ReadAll(conn)
		_ = conn.Close()
		if _, body, _ := strings.Cut(string(all), "\r\n\r\n"); body != target {
			t.Errorf("target %q arrived as %q", target, body)
		}
		h.recorded()
	}
}

func TestAbsoluteFormIsServed(t *testing.T) {
	onlyHTTP1(t)
	up := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI+" "+r.Host) })
	h := start(t, to(up.URL))
	if got := h.raw("GET http://api.test/x?y HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n"); !strings.HasSuffix(got, "/x?y api.test") {
		t.Error(got)
	}
}

func (h *harness) raw(request string) string {
	h.t.Helper()
	conn, _ := h.dial()
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		h.t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil && len(all) == 0 {
		h.t.Fatal(err)
	}
	return string(all)
}

func TestUnreadableRequestsGetTheGatewaysError(t *testing.T) {
	onlyHTTP1(t)
	h := start(t, nil)
	for name, tt := range map[string]struct {
		request string
		status  int
	}{
		"no version":   {"GET / \r\n\r\n", 400},
		"bad header":   {"GET / HTTP/1.1\r\nHost: a\r\nbad header: x\r\n\r\n", 400},
		"no host":      {"GET / HTTP/1.1\r\n\r\n", 400},
		"two lengths":  {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
		"bad encoding": {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 501},
		"long head":    {"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("y", 1_010_000) + "\r\n\r\n", 431},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.raw(tt.request)
			head, body, _ := strings.Cut(got, "\r\n\r\n")
			var e struct {
				Error struct {
					Code   string
					Status int
				}
			}
			if err := json.Unmarshal([]byte(body), &e); err != nil || e.Error.Status != tt.status || e.Error.Code != "SLUICE_4400" {
				t.Errorf("%v: %s", err, got)
			}
			if !strings.HasPrefix(head, fmt.Sprintf("HTTP/1.1 %d ", tt.status)) || !strings.Contains(head, "sluice-error-code: SLUICE_4400") {
				t.Error(head)
			}
		})
	}
}

func TestNoEndpoint(t *testing.T) {
	h := start(t, nil)
	res := h.do(h.request("GET", "/x", ""))
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusNotFound || res.Header.Get("Sluice-Error-Code") != "SLUICE_3200" || !bytes.Contains(body, []byte(spoken.scheme()+"://api.test")) {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
	}
	e := h.recorded()
	if e.GetResponse().GetStatusCode() != 404 || e.GetError().GetCode() != "SLUICE_3200" || e.GetEndpointId() != "" || e.GetId() != res.Header.Get("Sluice-Exchange-Id") {
		t.Errorf("recorded %v", e)
	}
}

func TestUpstreamFailures(t *testing.T) {
	garbage := listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 512)); _, _ = io.WriteString(c, "SSH-2.0-x\r\n") })
	hangsUp := listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 512)) })
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	for name, tt := range map[string]struct {
		upstream string
		status   int
		code     string
	}{
		"refused":       {"http://" + closed.Addr().String(), 502, "SLUICE_3006"},
		"garbage":       {"http://" + garbage, 502, "SLUICE_3004"},
		"hangs up":      {"http://" + hangsUp, 502, "SLUICE_3004"},
		"no TLS":        {"https://" + plain.Listener.Addr().String(), 502, "SLUICE_3005"},
		"too slow":      {"http://" + silent, 504, "SLUICE_3008"},
		"no such host":  {"http://host.invalid", 502, "SLUICE_3005"},
		"huge response": {"http://" + listen(t, hugeHead), 502, "SLUICE_3004"},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, to(tt.upstream), func(c *harnessConfig) { c.pool.Timeouts.FirstByte = 300 * time.Millisecond })
			res := h.do(h.request("GET", "/", ""))
			if res.StatusCode != tt.status || res.Header.Get("Sluice-Error-Code") != tt.code {
				b, _ := io.ReadAll(res.Body)
				t.Errorf("%d %s; want %d %s", res.StatusCode, b, tt.status, tt.code)
			}
			if e := h.recorded(); e.GetError().GetCode() != tt.code || e.GetUpstream().GetAddress() == "" {
				t.Errorf("recorded %v", e)
			}
		})
	}
}

func hugeHead(c net.Conn) {
	_, _ = c.Read(make([]byte, 512))
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("y", 1_100_000)+"\r\n\r\n")
}

// listen answers each connection with f.
func listen(t testing.TB, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); f(c) }()
		}
	}()
	return l.Addr().String()
}

func TestResponseThatBreaksOffIsCutOffAndRecorded(t *testing.T) {
	up := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 512))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
	})
	h := start(t, to("http://"+up))
	res := h.do(h.request("GET", "/", ""))
	if body, err := io.ReadAll(res.Body); err == nil || !spoken.http2() && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v; want an unexpected end", body, err)
	}
	e := h.recorded()
	if e.GetError().GetCode() != "SLUICE_3004" || e.GetResponse().GetStatusCode() != 200 || string(e.GetResponse().GetBody().GetContent()) != "only this" {
		t.Errorf("recorded %v", e)
	}
}

func TestClientThatGoesAwayCancelsTheUpstream(t *testing.T) {
	arrived, cancelled := make(chan struct{}), make(chan struct{})
	up := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(cancelled)
	})
	h := start(t, to(up.URL))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { <-arrived; cancel() }()
	if res, err := h.client.Do(h.request("GET", "/", "").WithContext(ctx)); err == nil {
		_ = res.Body.Close()
		t.Fatal("a response to a cancelled request")
	}
	select {
	case <-cancelled:
	case <-time.After(10 * time.Second):
		t.Fatal("the upstream's request was not cancelled")
	}
	if e := h.recorded(); e.GetResponse() != nil || e.GetError().GetCode() != "SLUICE_4498" {
		t.Errorf("recorded %v", e)
	}
}

func TestLargeBodiesStreamBothWays(t *testing.T) {
	const size = 32 << 20
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, _ := io.Copy(sum, r.Body)
		w.Header().Set("X-Sum", fmt.Sprintf("%d %x", n, sum.Sum(nil)))
		_, _ = io.CopyN(w, zeros{}, size)
	})
	h := start(t, to(up.URL))
	want := sha256.New()
	_, _ = io.CopyN(want, zeros{}, size)
	for _, length := range []int64{size, -1} {
		req := h.request("POST", "/", "")
		req.Body, req.ContentLength = io.NopCloser(io.LimitReader(zeros{}, size)), length
		res := h.do(req)
		n, err := io.Copy(io.Discard, res.Body)
		if got := res.Header.Get("X-Sum"); got != fmt.Sprintf("%d %x", size, want.Sum(nil)) || n != size || err != nil {
			t.Errorf("sent %s, received %d, %v", got, n, err)
		}
		e := h.recorded()
		for _, b := range []interface {
			GetSize() uint64
			GetTruncated() bool
			GetContent() []byte
		}{e.GetRequest().GetBody(), e.GetResponse().GetBody()} {
			if b.GetSize() != size || !b.GetTruncated() || len(b.GetContent()) != 10<<10 {
				t.Errorf("recorded size %d, truncated %t, kept %d", b.GetSize(), b.GetTruncated(), len(b.GetContent()))
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFaultyPolicyIsNotBypassed(t *testing.T) {
	up := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the upstream was asked") })
	h := start(t, withPolicy(up.URL, "on_http_request: [{actions: [{type: nonsense}]}]"))
	if res := h.do(h.request("GET", "/", "")); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Sluice-Error-Code") != "SLUICE_4526" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

func TestSampling(t *testing.T) {
	up := serve(t, func(http.ResponseWriter, *http.Request) {})
	h := start(t, to(up.URL), func(c *harnessConfig) { c.capture = &policyv1.CaptureSettings{SamplePercent: 50} })
	const n = 400
	for range n {
		_, _ = io.Copy(io.Discard, h.do(h.request("GET", "/", "")).Body)
	}
	eventually(t, "all records", func() bool { return h.Ledger.Counts().Seen == n })
	c := h.Ledger.Counts()
	if c.Sampled < n/4 || c.Sampled > 3*n/4 || c.Pending != n-c.Sampled {
		t.Errorf("%+v", c)
	}
}
