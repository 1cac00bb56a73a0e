package upstream

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newPool(tb testing.TB, cfg Config) *Pool {
	tb.Helper()
	p := NewPool(cfg, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	tb.Cleanup(p.Close)
	return p
}

func parse(tb testing.TB, doc *policyv1.Upstream, before *Upstream) *Upstream {
	tb.Helper()
	u, err := Parse("ep_1", doc, before)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func TestTargetsKeepRequestTargets(t *testing.T) {
	for _, tt := range []struct{ upstream, target, want string }{
		{"http://h", "/", "/"},
		{"http://h/", "/a%2Fb?x=%20", "/a%2Fb?x=%20"},
		{"http://h/base/", "/x", "/base/x"},
		{"http://h/b%20c", "/x?", "/b%20c/x?"},
		{"http://h", "//evil.test/x", "//evil.test/x"},
		{"http://h/base", "//evil.test/x", "/base//evil.test/x"},
		{"http://h/base", "*", "*"},
	} {
		target, err := ParseTarget(tt.upstream, false)
		if err != nil {
			t.Fatal(err)
		}
		u := target.url(tt.target)
		if got := u.RequestURI(); got != tt.want || u.Host != "h" || target.Address != "h:80" {
			t.Errorf("%s + %s = %s at %s (%s), want %s", tt.upstream, tt.target, got, u.Host, target.Address, tt.want)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, bad := range []string{"", "h:80", "ftp://h", "http://", "http://h?x", "http://u:p@h", "http://h/#f", "http://[::1"} {
		if target, err := ParseTarget(bad, false); err == nil {
			t.Errorf("%q: %+v", bad, target)
		}
	}
	if target, err := ParseTarget("https://[::1]:8443/x", true); err != nil || target.Address != "[::1]:8443" || !target.SkipVerify {
		t.Errorf("%+v %v", target, err)
	}
}

func TestTargetThatCannotStandInARequest(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was sent") }))
	defer s.Close()
	pool := newPool(t, Config{})
	u := parse(t, &policyv1.Upstream{Url: s.URL}, nil)
	for _, bad := range []string{"/a b", "/a\r\nX: y", "/\x7f"} {
		if _, _, err := pool.Do(context.Background(), u, &message.Request{Method: "GET", Target: bad}, Caller{}); err == nil || !strings.Contains(err.Error(), "SLUICE_3007") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzTarget(f *testing.F) {
	target, err := ParseTarget("http://h/base", false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("/a%2f?b")
	f.Add("//x")
	f.Fuzz(func(t *testing.T, s string) {
		if !strings.HasPrefix(s, "/") || strings.ContainsAny(s, "#") {
			return
		}
		if u := target.url(s); u.Host != "h" || u.RequestURI() != "/base"+s {
			t.Errorf("%q became %q at %q", s, u.RequestURI(), u.Host)
		}
	})
}

func TestHopByHopFieldsAreDropped(t *testing.T) {
	got := http.Header{}
	copyEndToEnd(got, message.Header{
		{Name: "Connection", Value: "close, X-Named"}, {Name: "x-named", Value: "1"}, {Name: "Keep-Alive", Value: "1"}, {Name: "TE", Value: "trailers, deflate"},
		{Name: "Transfer-Encoding", Value: "chunked"}, {Name: "Upgrade", Value: "h2c"}, {Name: "HTTP2-Settings", Value: "x"}, {Name: "Trailer", Value: "T"},
		{Name: "Proxy-Connection", Value: "x"}, {Name: "Host", Value: "h"}, {Name: "Content-Length", Value: "1"}, {Name: "x-keep", Value: "a"}, {Name: "X-Keep", Value: "b"},
	})
	if len(got) != 2 || strings.Join(got["X-Keep"], "") != "ab" || got.Get("Te") != "trailers" {
		t.Errorf("%v", got)
	}
}
