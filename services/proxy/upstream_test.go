package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// TestPoolOfTargets serves from what is left of a pool, and records the attempts.
func TestPoolOfTargets(t *testing.T) {
	up := serve(t, hello)
	e := endpoint("", "")
	e.Upstream = &policyv1.Upstream{
		Targets: []*policyv1.UpstreamTarget{{Url: "http://" + nowhere}, {Url: up.URL}}, Retry: &policyv1.RetryPolicy{},
		HealthCheck: &policyv1.HealthCheck{UnhealthyThreshold: 1, Interval: durationpb.New(time.Hour)},
	}
	p, policy := newPolicyServer(t, e)
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	eventually(t, "the health check", func() bool { return r.metric("sluice_proxy_upstream_healthy", "ep_1", "http://"+nowhere) == 0 })
	var ids []string
	ask := func(path string, times int) {
		for range times {
			status, code, id := r.get(path)
			if ids = append(ids, id); status != 200 {
				t.Errorf("%d %s", status, code)
			}
		}
	}
	ask("/", 4)
	without := endpoint("", "")
	without.Revision, without.Upstream = 2, &policyv1.Upstream{Targets: e.Upstream.Targets, Retry: e.Upstream.Retry}
	p.change(delta(without))
	eventually(t, "revision 2", func() bool { return r.status().GetRevision() == 2 })
	ask("/retried", 2)
	if got := r.metric("sluice_proxy_upstream_retries_total", "ep_1", "connect"); got != 1 {
		t.Errorf("%v retries, want one of the two", got)
	}
	eventually(t, "the records", func() bool { return c.stored() == 6 })
	attempts := 0
	for _, id := range ids {
		x := c.exchange(id)
		for _, a := range x.GetUpstream().GetFailedAttempts() {
			attempts++
			if a.GetAddress() != nowhere || a.GetError() == "" || a.GetDuration().AsDuration() <= 0 || a.GetOffset() == nil || x.GetRequest().GetPath() != "/retried" {
				t.Errorf("recorded %v", x.GetUpstream())
			}
		}
		times := x.GetTimings()
		if times.GetUpstreamFirstByte().AsDuration() <= 0 || times.GetUpstreamStart() == nil || times.GetRequestReceived() == nil || x.GetUpstream().GetHttpVersion() != "HTTP/1.1" {
			t.Errorf("times %v of %v", times, x.GetUpstream())
		}
	}
	if attempts != 1 {
		t.Errorf("%d failed attempts were recorded, want 1", attempts)
	}
}

// TestUpgradeThroughAPool carries a switched connection, which counts as in flight.
func TestUpgradeThroughAPool(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		nc, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		_, _ = fmt.Fprint(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
		for {
			line, err := buf.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = fmt.Fprint(nc, "echo "+line)
		}
	})
	e := endpoint("", "")
	e.Upstream = &policyv1.Upstream{
		Targets: []*policyv1.UpstreamTarget{{Url: up.URL}, {Url: up.URL + "/second"}}, MaxRequests: 1, Retry: &policyv1.RetryPolicy{}, Balancing: policyv1.Balancing_BALANCING_LEAST_REQUESTS,
	}
	_, policy := newPolicyServer(t, e)
	r := run(t, t.TempDir(), policy.address, nowhere).ready()
	open := func() (net.Conn, *bufio.Reader, string) {
		nc, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", r.HTTPAddress())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprint(nc, "GET /x HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
		in := bufio.NewReader(nc)
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return nc, in, line
	}
	var conns []net.Conn
	for range 2 {
		nc, in, first := open()
		conns = append(conns, nc)
		if !strings.Contains(first, " 101 ") {
			t.Fatalf("got %q", first)
		}
		for line := first; line != "\r\n"; line, _ = in.ReadString('\n') {
			continue
		}
		_, _ = fmt.Fprint(nc, "hello\n")
		if line, err := in.ReadString('\n'); line != "echo hello\n" {
			t.Errorf("%q %v", line, err)
		}
	}
	full, _, first := open()
	if !strings.Contains(first, " 503 ") {
		t.Errorf("a third at the same time: %q", first)
	}
	_ = full.Close()
	for _, nc := range conns {
		_ = nc.Close()
	}
	eventually(t, "room", func() bool {
		nc, _, first := open()
		_ = nc.Close()
		return strings.Contains(first, " 101 ")
	})
}
