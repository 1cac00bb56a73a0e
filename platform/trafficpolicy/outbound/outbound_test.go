package outbound_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/outbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGuard(t *testing.T) {
	g := outbound.NewGuard(netip.MustParsePrefix("10.1.0.0/16"))
	for addr, want := range map[string]bool{
		"1.1.1.1": true, "93.184.216.34": true, "2606:4700::1111": true, "10.1.2.3": true, "::ffff:10.1.2.3": true, "::ffff:1.1.1.1": true,
		"10.2.0.1": false, "127.0.0.1": false, "::1": false, "169.254.169.254": false, "fe80::1%eth0": false, "0.0.0.0": false, "::": false,
		"172.16.0.1": false, "192.168.1.1": false, "fd00::1": false, "100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false,
		"::ffff:127.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "fec0::1": false, "240.0.0.1": false, "ff02::1": false,
	} {
		if err := g.Check(netip.MustParseAddr(addr)); (err == nil) != want || err != nil && !errors.Is(err, trafficpolicy.ErrAddress) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func server(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("X-Seen", r.Method+" "+r.URL.String()+" "+r.Host+" "+r.Header.Get("X-A")+" "+string(body))
		w.Header()["X-Two"] = []string{"1", "2"}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(302)
		_, _ = io.WriteString(w, "moved")
	}))
	t.Cleanup(s.Close)
	return s
}

func TestDo(t *testing.T) {
	s := server(t)
	c := outbound.New(outbound.NewGuard(netip.MustParsePrefix("127.0.0.0/8")), nil)
	defer c.Close()
	req := &trafficpolicy.OutboundRequest{Method: "POST", URL: s.URL + "/p?q=1", Header: message.Header{{Name: "X-A", Value: "b"}, {Name: "host", Value: "other.example"}}, Body: "text"}
	res, err := c.Do(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if res.Status != 302 || string(body) != "moved" || res.ResolvedIP != "127.0.0.1" || len(res.Header.Values("x-two")) != 2 || res.Header.Get("x-seen") != "POST /p?q=1 other.example b text" {
		t.Errorf("%+v %q", res, body)
	}
}

// TestGuardIsAskedForTheResolvedAddress: a name is no way around it.
func TestGuardIsAskedForTheResolvedAddress(t *testing.T) {
	s := server(t)
	c := outbound.New(outbound.NewGuard(), nil)
	defer c.Close()
	for _, url := range []string{s.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), strings.Replace(s.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		res, err := c.Do(t.Context(), &trafficpolicy.OutboundRequest{Method: "GET", URL: url})
		if err == nil {
			_ = res.Body.Close()
		}
		if !errors.Is(err, trafficpolicy.ErrAddress) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

type internal struct{ asked string }

func (i *internal) Do(_ context.Context, req *trafficpolicy.OutboundRequest) (*trafficpolicy.OutboundResponse, error) {
	i.asked = req.URL
	return &trafficpolicy.OutboundResponse{Status: 204, Body: http.NoBody}, nil
}

func TestInternalEndpoints(t *testing.T) {
	i := &internal{}
	res, err := outbound.New(outbound.NewGuard(), i).Do(t.Context(), &trafficpolicy.OutboundRequest{Method: "GET", URL: "https://Auth.Internal/x"})
	if err != nil || res.Status != 204 || i.asked != "https://Auth.Internal/x" {
		t.Error(res, err, i.asked)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if _, err := outbound.New(outbound.NewGuard(), nil).Do(t.Context(), &trafficpolicy.OutboundRequest{Method: "GET", URL: "https://auth.internal/x"}); err == nil {
		t.Error("answered by nobody")
	}
}
