package egress

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNetworks(t *testing.T) {
	cases := []struct {
		list []string
		ip   string
		want bool
	}{
		{nil, "8.8.8.8", true},
		{nil, "127.0.0.1", true},
		{nil, "10.0.0.9", true},
		{nil, "169.254.169.254", false},
		{nil, "fe80::1", false},
		{nil, "0.0.0.0", false},
		{nil, "224.0.0.1", false},
		{nil, "64:ff9b::a9fe:a9fe", false},
		{[]string{"none"}, "127.0.0.1", false},
		{[]string{"none"}, "::1", false},
		{[]string{"none"}, "192.168.1.1", false},
		{[]string{"none"}, "2606:4700::1", true},
		{[]string{"169.254.1.0/24"}, "169.254.1.9", true},
		{[]string{"169.254.1.0/24"}, "10.0.0.9", false},
	}
	for _, c := range cases {
		n, err := ParseNetworks(c.list)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.mayCall(netip.MustParseAddr(c.ip)); got != c.want {
			t.Errorf("networks %v, address %s: %v, want %v", c.list, c.ip, got, c.want)
		}
	}
	if _, err := ParseNetworks([]string{"10.0.0.1"}); err == nil {
		t.Error("an address without a length is taken for a network")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 12, 8, 0, 0, 0, time.UTC)
	cases := map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-3": 0, "junk": 0, "99999999999": MaxRetryAfter, "601": MaxRetryAfter,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
		now.Add(time.Hour).Format(http.TimeFormat):        MaxRetryAfter,
	}
	for header, want := range cases {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func client(t *testing.T, list ...string) *Client {
	t.Helper()
	n, err := ParseNetworks(list)
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(n)
	t.Cleanup(c.Close)
	return c
}

func get(t *testing.T, c *Client, url string, timeout time.Duration) Answer {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(context.Background(), req, timeout)
}

func TestRedirectIsAnAnswer(t *testing.T) {
	followed := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		followed = followed || r.URL.Path == "/away"
		http.Redirect(w, r, "/away", http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	if a := get(t, client(t), s.URL, time.Second); a.Status != 307 || followed {
		t.Errorf("answer %+v, followed %v", a, followed)
	}
}

func TestAnswersAreCut(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			_, _ = w.Write([]byte(strings.Repeat("é", 5000)))
		}
	}))
	defer s.Close()
	a := get(t, client(t), s.URL, 5*time.Second)
	if !a.OK() || len(a.Body) > excerptSize+3 || !strings.HasPrefix(a.Body, "éé") {
		t.Errorf("status %d, %d bytes", a.Status, len(a.Body))
	}
}

func TestErrorsNameNoURL(t *testing.T) {
	s := httptest.NewServer(nil)
	url := s.URL
	s.Close()
	a := get(t, client(t), url+"/topic-that-is-a-password?token=hunter2", time.Second)
	if a.Err == nil || strings.Contains(a.Text(), "hunter2") || strings.Contains(a.Text(), "password") {
		t.Errorf("answer %+v", a)
	}
}

func TestForbiddenNetworkIsPermanent(t *testing.T) {
	s := httptest.NewServer(nil)
	defer s.Close()
	a := get(t, client(t, "none"), s.URL, time.Second)
	var forbidden *ForbiddenError
	if !errors.As(a.Err, &forbidden) || !IsPermanent(a.Err) {
		t.Errorf("answer %+v", a)
	}
}

func TestSilenceIsATimeout(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	a := get(t, client(t), s.URL, 30*time.Millisecond)
	if a.Err == nil || !strings.Contains(a.Text(), "within 30ms") || IsPermanent(a.Err) {
		t.Errorf("answer %+v", a)
	}
}
