//go:build linux

package load_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice.dev/bench/internal/load"
)

// counted is a server that counts what it is asked.
type counted struct {
	address          netip.AddrPort
	asked, wrong, on atomic.Int64 // on: connections
}

func serve(t *testing.T, answer http.HandlerFunc) *counted {
	t.Helper()
	c := &counted{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		if r.Host != "api.test" || r.URL.Path != "/items/1" {
			c.wrong.Add(1)
		}
		answer(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			c.on.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c.address = netip.MustParseAddrPort(s.Listener.Addr().String())
	return c
}

func connect(t *testing.T, c *counted, n int) *load.Generator {
	t.Helper()
	g, err := load.Connect(c.address, "api.test", "/items/1", n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func kilobytes(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte(strings.Repeat("x", 2000)))
}

func TestRuns(t *testing.T) {
	for name, run := range map[string]func(*load.Generator) (*load.Result, error){
		"closed loop":       func(g *load.Generator) (*load.Result, error) { return g.Saturate(50 * time.Millisecond) },
		"open loop":         func(g *load.Generator) (*load.Result, error) { return g.AtRate(1000, 50*time.Millisecond) },
		"one after another": func(g *load.Generator) (*load.Result, error) { return g.Each(50) },
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, kilobytes)
			g := connect(t, c, 5)
			for range 2 { // connections are kept
				before := c.asked.Load()
				res, err := run(g)
				if err != nil {
					t.Fatal(err)
				}
				if asked := c.asked.Load() - before; uint64(asked) != res.Requests || asked < 5 || res.Latency.Count() != res.Requests {
					t.Errorf("%d asked, %d requests, %d measured", asked, res.Requests, res.Latency.Count())
				}
				if name != "closed loop" && res.Requests != 50 {
					t.Errorf("%d requests", res.Requests)
				}
			}
			if c.wrong.Load() > 0 || c.on.Load() != 5 {
				t.Errorf("%d wrong requests, %d connections", c.wrong.Load(), c.on.Load())
			}
		})
	}
}

// TestStallsAreNotHidden: requests that were due during a stall count from then.
func TestStallsAreNotHidden(t *testing.T) {
	var first atomic.Bool
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if first.CompareAndSwap(false, true) {
			<-time.After(200 * time.Millisecond) // the stall
		}
		kilobytes(w, r)
	})
	res, err := connect(t, c, 1).AtRate(100, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Latency.Quantile(0.5); got < 50*time.Millisecond {
		t.Errorf("the median is %v", got)
	}
}

func TestWhatIsNoGoodAnswerFails(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"an error":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) },
		"no length": func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			if res, err := connect(t, serve(t, answer), 1).Each(1); err == nil {
				t.Errorf("%+v", res.Requests)
			}
		})
	}
}
