package upstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// target is a server that can be killed, with all its connections, and started again
// on its address.
type target struct {
	t       *testing.T
	address string
	served  atomic.Int64
	server  *http.Server
}

func (s *target) start() {
	s.t.Helper()
	address := s.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	var l net.Listener
	eventually(s.t, "the address", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", address)
		return err == nil
	})
	s.address = l.Addr().String()
	s.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		s.served.Add(1)
		_, _ = w.Write(body)
	})}
	go func() { _ = s.server.Serve(l) }()
}

func (s *target) kill() { _ = s.server.Close() }

// eventually polls a condition with a deadline.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s did not come in time", what)
		case <-tick.C:
		}
	}
}

// load sends requests from several clients until stop is called, which tells how
// many there were and which failed.
func load(p *Pool, u *Upstream) (sent *atomic.Int64, stop func() []said) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var bad []said
	sent = &atomic.Int64{}
	for i := range 8 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				method, body := "GET", ""
				if n%3 == 0 {
					method, body = "PUT", "a body of client "+string(rune('a'+i))
				}
				if got := ask(p, u, request(method, body)); got.status != 200 || got.body != body {
					mu.Lock()
					bad = append(bad, got)
					mu.Unlock()
				}
				sent.Add(1)
			}
		})
	}
	return sent, func() []said { cancel(); wg.Wait(); return bad }
}

// TestRestartsLoseNoIdempotentRequest: targets are killed and started again, one
// after the other, under load.
func TestRestartsLoseNoIdempotentRequest(t *testing.T) {
	targets := []*target{{t: t}, {t: t}, {t: t}}
	doc := &policyv1.Upstream{
		Retry:            &policyv1.RetryPolicy{Attempts: 3, BudgetPercent: 100},
		HealthCheck:      &policyv1.HealthCheck{Interval: durationpb.New(time.Second), UnhealthyThreshold: 1, HealthyThreshold: 1},
		OutlierDetection: &policyv1.OutlierDetection{ConsecutiveFailures: 3, EjectionTime: durationpb.New(time.Second)},
	}
	for _, s := range targets {
		s.start()
		defer func() { s.kill() }()
		doc.Targets = append(doc.Targets, &policyv1.UpstreamTarget{Url: "http://" + s.address})
	}
	p := newPool(t, Config{})
	u := parse(t, doc, nil)
	p.Configure(func(yield func(*Upstream) bool) { yield(u) })
	sent, stop := load(p, u)
	for _, s := range targets {
		before := sent.Load()
		eventually(t, "load", func() bool { return sent.Load() > before+200 })
		s.kill()
		before = sent.Load()
		eventually(t, "load while one is down", func() bool { return sent.Load() > before+200 })
		s.start()
		back := s.served.Load()
		eventually(t, "load on the restarted one", func() bool { return s.served.Load() > back+50 })
	}
	bad := stop()
	if len(bad) > 0 {
		t.Errorf("%d of %d were lost; the first: %+v", len(bad), sent.Load(), bad[0])
	}
}

// TestHealthOfRealTargets: a target that goes down stops being asked before a
// request finds out.
func TestHealthOfRealTargets(t *testing.T) {
	targets := []*target{{t: t}, {t: t}}
	doc := &policyv1.Upstream{HealthCheck: &policyv1.HealthCheck{Path: "/healthz", Interval: durationpb.New(time.Second), UnhealthyThreshold: 1, HealthyThreshold: 1}}
	for _, s := range targets {
		s.start()
		defer func() { s.kill() }()
		doc.Targets = append(doc.Targets, &policyv1.UpstreamTarget{Url: "http://" + s.address})
	}
	p := newPool(t, Config{})
	u := parse(t, doc, nil)
	p.Configure(func(yield func(*Upstream) bool) { yield(u) })
	eventually(t, "the first checks", func() bool { return targets[0].served.Load() > 0 && targets[1].served.Load() > 0 })
	targets[0].kill()
	eventually(t, "the check to fail", func() bool { return u.members[0].unhealthy.Load() })
	for range 10 {
		if got := ask(p, u, request("POST", "x")); got.status != 200 {
			t.Errorf("%+v", got)
		}
	}
	targets[0].start()
	eventually(t, "the check to succeed", func() bool { return !u.members[0].unhealthy.Load() })
	targets[1].kill()
	eventually(t, "the other check to fail", func() bool { return u.members[1].unhealthy.Load() })
	if got := ask(p, u, request("POST", "x")); got.status != 200 {
		t.Errorf("%+v", got)
	}
}
