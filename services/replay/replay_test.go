package replay_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/fakes"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"

	"sluice.dev/services/replay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	original = "ex_01K9ZX4T2M8N7QJ5W3E6R1Y0BC"
	key      = "0123456789abcdef0123456789abcdef"
)

// proxy stands in for the proxy: it keeps the requests and checks their marks.
type proxy struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	answer   http.HandlerFunc
}

func newProxy(t *testing.T, tls bool) *proxy {
	t.Helper()
	p := &proxy{answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	if tls {
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.requests, p.bodies = append(p.requests, r), append(p.bodies, string(body))
	answer := p.answer
	p.mu.Unlock()
	w.Header().Set("Sluice-Exchange-Id", "ex_new")
	answer(w, r)
}

func (p *proxy) last() (*http.Request, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) == 0 {
		return &http.Request{Header: http.Header{}}, ""
	}
	return p.requests[len(p.requests)-1], p.bodies[len(p.bodies)-1]
}

// keys is the part of the policy service that replay needs.
type keys struct {
	policyv1.UnimplementedDistributionServiceServer
}

func (keys) GetReplayKey(context.Context, *policyv1.GetReplayKeyRequest) (*policyv1.GetReplayKeyResponse, error) {
	return &policyv1.GetReplayKeyResponse{ReplayKey: []byte(key)}, nil
}

type world struct {
	capture *fakes.Capture
	client  replayv1.ReplayServiceClient
}

func start(t *testing.T, change func(*replay.Config)) *world {
	t.Helper()
	capture, err := fakes.NewCapture()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(capture.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	policy := grpc.NewServer()
	policyv1.RegisterDistributionServiceServer(policy, keys{})
	go func() { _ = policy.Serve(listener) }()
	t.Cleanup(policy.Stop)

	cfg := replay.Config{GRPC: rpc.ServerConfig{Listen: "127.0.0.1:0"}, CaptureTarget: capture.Target(), PolicyTarget: listener.Addr().String()}
	change(&cfg)
	ctx, cancel := context.WithCancel(context.Background())
	s, err := replay.New(ctx, cfg, telemetry.Nop())
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("the service ended: %v", err)
		}
	})
	conn, err := rpc.Dial(s.Target(), rpc.ClientConfig{}, telemetry.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); cancel(); running.Wait() })
	return &world{capture, replayv1.NewReplayServiceClient(conn)}
}

// plain is a world whose proxy speaks HTTP.
func plain(t *testing.T) (*world, *proxy) {
	t.Helper()
	p := newProxy(t, false)
	return start(t, func(c *replay.Config) { c.ProxyHTTP = p.Listener.Addr().String() }), p
}

func recorded() *capturev1.Exchange {
	return &capturev1.Exchange{
		Id: original, FullCapture: true,
		Connection: &capturev1.Connection{ClientIp: "203.0.113.7"},
		Request: &capturev1.Request{
			Method: "POST", Scheme: "http", Host: "orders.example.com:8080", Path: "/a b", Query: "q=1", Url: "http://orders.example.com:8080/a%20b?q=1", HttpVersion: "HTTP/1.1",
			Headers: []*capturev1.Header{
				{Name: "Host", Value: "orders.example.com:8080"},
				{Name: "x-Odd-case", Value: "1"},
				{Name: "Content-Type", Value: "application/json"},
				{Name: "Content-Encoding", Value: "identity"},
				{Name: "Content-Length", Value: "7"},
				{Name: "Connection", Value: "keep-alive, X-Hop"},
				{Name: "X-Hop", Value: "1"},
				{Name: "X-Forwarded-For", Value: "10.0.0.1"},
				{Name: "X-Forwarded-Port", Value: "80"},
				{Name: "Sluice-Replay-Of", Value: "ex_forged"},
				{Name: "Authorization", Value: "Bearer [redacted]", RedactedBy: "credential-headers"},
			},
			Body: &capturev1.Body{Content: []byte(`{"a":1}`), Size: 7},
		},
		Response: &capturev1.Response{
			StatusCode: 500, Headers: []*capturev1.Header{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}},
			Body: &capturev1.Body{Content: []byte("broken"), Size: 6},
		},
	}
}

func (w *world) replay(t *testing.T, req *replayv1.ReplayExchangeRequest) (*replayv1.ReplayExchangeResponse, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req.Id = original
	return w.client.ReplayExchange(ctx, req)
}

func TestAReplayIsTheRecordedRequest(t *testing.T) {
	w, p := plain(t)
	w.capture.Append(recorded())
	got, err := w.replay(t, &replayv1.ReplayExchangeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	r, body := p.last()
	if r.Method != http.MethodPost || r.Host != "orders.example.com:8080" || r.RequestURI != "/a%20b?q=1" || body != `{"a":1}` {
		t.Errorf("the proxy got %s %s%s %q", r.Method, r.Host, r.RequestURI, body)
	}
	for _, gone := range []string{"X-Hop", "X-Forwarded-For", "X-Forwarded-Port", "Authorization", "User-Agent", "Accept-Encoding"} {
		if v := r.Header.Get(gone); v != "" {
			t.Errorf("%s: %q is sent", gone, v)
		}
	}
	if r.Header.Get("X-Odd-Case") != "1" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers are %v", r.Header)
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(original + "\n" + r.Header.Get("Sluice-Replay-Time")))
	if of := r.Header.Values("Sluice-Replay-Of"); len(of) != 1 || of[0] != original || r.Header.Get("Sluice-Replay-Signature") != hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("marks are %v", r.Header)
	}
	if got.GetExchangeId() != "ex_new" || got.GetStatusCode() != 200 || len(got.GetOmittedHeaders()) != 1 || got.GetOmittedHeaders()[0] != "Authorization" || got.GetDuration().AsDuration() <= 0 {
		t.Errorf("the answer is %v", got)
	}
	differs := map[string]string{}
	for _, d := range got.GetDifferences() {
		differs[d.GetField()] = d.GetBefore() + " -> " + d.GetAfter()
	}
	if len(differs) != 2 || differs["status_code"] != "500 -> 200" || differs["body"] != "broken -> hello" {
		t.Errorf("the differences are %v", differs)
	}
}

// Bodies that capture keeps in parts are sent, and compared, whole.
func TestLargeBodies(t *testing.T) {
	w, p := plain(t)
	large := strings.Repeat("0123456789abcdef", 10_000)
	e := recorded()
	e.Request.Body = &capturev1.Body{Content: []byte(large), Size: uint64(len(large))}
	e.Response.Body = &capturev1.Body{Content: []byte(large), Size: uint64(len(large))}
	w.capture.Append(e)
	p.answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) }
	got, err := w.replay(t, &replayv1.ReplayExchangeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, body := p.last(); body != large {
		t.Errorf("%d bytes were sent, want %d", len(body), len(large))
	}
	for _, d := range got.GetDifferences() {
		if d.GetField() == "body" || d.GetField() == "body_size" {
			t.Errorf("equal bodies differ: %v", d)
		}
	}
}

func TestChangesAreMade(t *testing.T) {
	w, p := plain(t)
	w.capture.Append(recorded())
	if _, err := w.replay(t, &replayv1.ReplayExchangeRequest{
		Method: proto.String("PUT"), Path: proto.String("//x%2Fy?z=%20"), Body: []byte("new body"), RemoveHeaders: []string{"x-odd-CASE"},
		SetHeaders: []*replayv1.HeaderChange{{Name: "Authorization", Value: "Bearer mine"}, {Name: "X-Two", Value: "1"}, {Name: "X-Two", Value: "2"}},
	}); err != nil {
		t.Fatal(err)
	}
	r, body := p.last()
	if r.Method != http.MethodPut || r.RequestURI != "//x%2Fy?z=%20" || body != "new body" || r.ContentLength != 8 {
		t.Errorf("the proxy got %s %s %q", r.Method, r.RequestURI, body)
	}
	if r.Header.Get("Authorization") != "Bearer mine" || len(r.Header.Values("X-Two")) != 2 || r.Header.Get("X-Odd-Case") != "" || r.Header.Get("Content-Encoding") != "" {
		t.Errorf("headers are %v", r.Header)
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	w, p := plain(t)
	cases := []struct {
		name   string
		spoil  func(*capturev1.Exchange)
		req    *replayv1.ReplayExchangeRequest
		code   codes.Code
		text   string
		mended *replayv1.ReplayExchangeRequest
	}{
		{"truncated", func(e *capturev1.Exchange) { e.Request.Body.Size, e.Request.Body.Truncated = 9, true }, &replayv1.ReplayExchangeRequest{},
			codes.FailedPrecondition, "7 of 9 bytes", &replayv1.ReplayExchangeRequest{Body: []byte("whole")}},
		{"not recorded", func(e *capturev1.Exchange) { e.FullCapture, e.Request.Body.Content = false, nil }, &replayv1.ReplayExchangeRequest{},
			codes.FailedPrecondition, "not recorded", &replayv1.ReplayExchangeRequest{Body: []byte{}}},
		{"redacted query", func(e *capturev1.Exchange) { e.Request.Url += "&token=[redacted]" }, &replayv1.ReplayExchangeRequest{},
			codes.FailedPrecondition, "redacted", &replayv1.ReplayExchangeRequest{Path: proto.String("/a?token=t")}},
		{"redacted body", func(e *capturev1.Exchange) {
			e.Redactions = []*capturev1.Redaction{{Part: capturev1.Redaction_PART_REQUEST_BODY, Path: "$.password", Rule: "json_password"}}
		}, &replayv1.ReplayExchangeRequest{}, codes.FailedPrecondition, "redacted", &replayv1.ReplayExchangeRequest{Body: []byte("whole")}},
		{"upgraded", func(e *capturev1.Exchange) { e.Response.StatusCode = 101 }, &replayv1.ReplayExchangeRequest{}, codes.FailedPrecondition, "protocol", nil},
		{"path with a space", nil, &replayv1.ReplayExchangeRequest{Path: proto.String("/ HTTP/1.1")}, codes.InvalidArgument, "percent-encoded", nil},
		{"absolute path", nil, &replayv1.ReplayExchangeRequest{Path: proto.String("http://elsewhere/")}, codes.InvalidArgument, "begins with /", nil},
		{"header injection", nil, &replayv1.ReplayExchangeRequest{SetHeaders: []*replayv1.HeaderChange{{Name: "A", Value: "b\r\nC: d"}}}, codes.InvalidArgument, "A", nil},
		{"framing", nil, &replayv1.ReplayExchangeRequest{SetHeaders: []*replayv1.HeaderChange{{Name: "Content-Length", Value: "5"}}}, codes.InvalidArgument, "Content-Length", nil},
		{"forged mark", nil, &replayv1.ReplayExchangeRequest{SetHeaders: []*replayv1.HeaderChange{{Name: "Sluice-Replay-Of", Value: "ex_1"}}}, codes.InvalidArgument, "Sluice-Replay-Of", nil},
	}
	ex := recorded()
	w.capture.Append(ex)
	for _, c := range cases {
		fresh := recorded()
		if c.spoil != nil {
			c.spoil(fresh)
		}
		proto.Reset(ex)
		proto.Merge(ex, fresh)
		before, _ := p.last()
		if _, err := w.replay(t, c.req); status.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %s with %q", c.name, err, c.code, c.text)
		}
		if after, _ := p.last(); len(before.Header) != len(after.Header) {
			t.Errorf("%s: something was sent", c.name)
		}
		if c.mended != nil {
			if _, err := w.replay(t, c.mended); err != nil {
				t.Errorf("%s, mended: %v", c.name, err)
			}
		}
	}
	if _, err := w.client.ReplayExchange(context.Background(), &replayv1.ReplayExchangeRequest{Id: "ex_none"}); status.Code(err) != codes.NotFound {
		t.Errorf("an exchange that is not there: %v", err)
	}
}

func TestTheProxysCertificateIsVerified(t *testing.T) {
	p := newProxy(t, true) // its certificate is for example.com
	ca := filepath.Join(t.TempDir(), "ca.pem")
	secure := recorded()
	secure.Request.Scheme, secure.Request.Host, secure.Request.Url = "https", "example.com", "https://example.com/"
	cases := []struct {
		name   string
		change func(*replay.Config)
		host   string
		want   codes.Code
	}{
		{"no CA yet", func(c *replay.Config) { c.ProxyCA = ca }, "example.com", codes.Unavailable},
		{"the system's", func(*replay.Config) {}, "example.com", codes.Unavailable},
		{"our CA", func(c *replay.Config) { c.ProxyCA = ca }, "example.com", codes.OK},
		{"another host", func(c *replay.Config) { c.ProxyCA = ca }, "example.net", codes.Unavailable},
		{"skipped", func(c *replay.Config) { c.ProxySkipVerify = true }, "example.net", codes.OK},
	}
	for _, c := range cases {
		if c.name == "our CA" {
			raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
			if err := os.WriteFile(ca, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w := start(t, func(cfg *replay.Config) { cfg.ProxyHTTPS = p.Listener.Addr().String(); c.change(cfg) })
		secure.Request.Host = c.host
		w.capture.Append(secure)
		if _, err := w.replay(t, &replayv1.ReplayExchangeRequest{}); status.Code(err) != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if r, _ := p.last(); r.TLS == nil || r.TLS.ServerName != "example.net" {
		t.Errorf("the handshake named %+v", r.TLS)
	}
}

func TestAnswersThatAreOdd(t *testing.T) {
	w, p := plain(t)
	w.capture.Append(recorded())
	answer := func(h http.HandlerFunc) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.answer = h
	}
	answer(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(rw, "bro")
	})
	got, err := w.replay(t, &replayv1.ReplayExchangeRequest{})
	if err != nil || got.GetStatusCode() != 200 || len(got.GetDifferences()) != 1 {
		t.Errorf("a body that breaks off: %v, %v", got, err)
	}
	answer(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Del("Sluice-Exchange-Id")
	})
	if _, err := w.replay(t, &replayv1.ReplayExchangeRequest{}); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "no Sluice proxy") {
		t.Errorf("an answer of something else: %v", err)
	}
	answer(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/elsewhere", http.StatusFound) })
	if got, err := w.replay(t, &replayv1.ReplayExchangeRequest{}); err != nil || got.GetStatusCode() != 302 {
		t.Errorf("a redirect: %v, %v", got, err)
	}
	release := make(chan struct{})
	answer(func(http.ResponseWriter, *http.Request) { <-release })
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := w.client.ReplayExchange(ctx, &replayv1.ReplayExchangeRequest{Id: original}); errs.As(err) == nil || errs.As(err).Code != codes.DeadlineExceeded {
		t.Errorf("silence: %v", err)
	}
	close(release)
	p.Close()
	if _, err := w.replay(t, &replayv1.ReplayExchangeRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("no proxy: %v", err)
	}
}
