package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice.dev/e2e/harness"
)

// open publishes the demo API without a limit and returns its URL.
func open(t *testing.T, sys *harness.System, policy string) string {
	t.Helper()
	_, demo := harness.DemoAPI(t)
	const url = "http://open.localhost"
	sys.API.Must(t, "POST", "/api/v1/endpoints", harness.Object{"url": url, "upstream": harness.Object{"url": "http://" + demo}, "traffic_policy": policy}, nil)
	sys.Settle()
	return url
}

// listed waits until exactly n exchanges match filter.
func listed(t *testing.T, sys *harness.System, filter string, n int) {
	t.Helper()
	harness.Eventually(t, 60*time.Second, fmt.Sprintf("%d exchanges match %s", n, filter), func() error {
		got, err := sys.API.Exchanges(filter)
		if err == nil && len(got) != n {
			err = fmt.Errorf("%d do", len(got))
		}
		return err
	})
}

// The data plane needs nobody: with capture, events, gateway and policy killed,
// requests pass as fast as before, and what was recorded meanwhile arrives later.
func TestProxyServesAlone(t *testing.T) {
	sys := harness.Split(t, 1)
	url := open(t, sys, "")
	v := sys.Visitor(0)
	measure := func(tag string) time.Duration {
		var took []time.Duration
		for i := range 200 {
			a := v.Get(fmt.Sprintf("%s/api/products?%s=%d", url, tag, i))
			if a.Status != 200 {
				t.Fatalf("%s: %d %s", tag, a.Status, a.Body)
			}
			took = append(took, a.Took)
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	with := measure("with")
	others := []string{"policy", "capture", "events", "replay", "gateway"}
	for _, name := range others {
		sys.Procs[name].Kill()
	}
	alone := measure("alone")
	t.Logf("median with everything %s, alone %s", with, alone)
	for _, name := range others {
		sys.Procs[name].Restart()
	}
	sys.WaitReady()
	listed(t, sys, "@http.url:*alone=*", 200)
	sys.Balance(400)
}

// A proxy that starts with nobody there serves from its last snapshot.
func TestProxyStartsAlone(t *testing.T) {
	sys := harness.Split(t, 1)
	url := open(t, sys, "")
	v := sys.Visitor(0)
	others := []string{"policy", "capture", "events", "replay", "gateway", "proxy-0"}
	for _, name := range others {
		sys.Procs[name].Kill()
	}
	sys.Procs["proxy-0"].Restart()
	harness.Eventually(t, 20*time.Second, "the proxy serves from its last snapshot", func() error {
		a, err := v.Try("GET", url+"/api/products?restarted=1", "")
		if err == nil && a.Status != 200 {
			err = fmt.Errorf("status %d", a.Status)
		}
		return err
	})
	for _, name := range others[:5] {
		sys.Procs[name].Restart()
	}
	sys.WaitReady()
	listed(t, sys, "@http.url:*restarted=1", 1)
}

// A frozen Redis neither stops traffic nor delays it beyond the rule's deadline.
func TestPausedRedis(t *testing.T) {
	sys := harness.Split(t, 1)
	url := open(t, sys, fmt.Sprintf(limited, 1_000_000))
	v := sys.Visitor(0)
	v.Get(url + "/api/products")
	sys.Procs["redis"].Pause()
	for range 20 {
		if a := v.Get(url + "/api/products"); a.Status != 200 || a.Took > 2*time.Second {
			t.Errorf("with Redis paused: %d after %s", a.Status, a.Took)
		}
	}
	sys.Procs["redis"].Resume()
	sys.WaitReady()
	sys.Settle()
	sys.Balance(21)
}

// A spool that is full keeps traffic flowing and counts what it drops.
func TestFullSpool(t *testing.T) {
	t.Setenv("SLUICE_SPOOL_MAX_BYTES", "65536")
	sys := harness.Split(t, 1)
	url := open(t, sys, "")
	v := sys.Visitor(0)
	sys.Procs["capture"].Kill()
	for i := range 3000 {
		if a := v.Get(fmt.Sprintf("%s/api/products?full=%d&%s", url, i, strings.Repeat("x", 400))); a.Status != 200 {
			t.Fatalf("request %d: %d", i, a.Status)
		}
	}
	sys.Procs["capture"].Restart()
	sys.WaitReady()
	if acc := sys.Balance(3000); acc.Dropped == 0 {
		t.Errorf("nothing was dropped by a spool of 64 KiB: %+v", acc)
	}
}

// Everything in one process, killed without warning: configuration, exchanges and
// limits are there again afterwards.
func TestUpSurvivesKill(t *testing.T) {
	sys := harness.Up(t)
	url := open(t, sys, fmt.Sprintf(limited, 5))
	v := sys.Visitor(0)
	for range 5 {
		if a := v.Get(url + "/api/products?before=1"); a.Status != 200 {
			t.Fatalf("status %d", a.Status)
		}
	}
	listed(t, sys, "@http.url:*before=1", 5)
	// Redis writes its append-only file every second.
	harness.Eventually(t, 10*time.Second, "the append-only file is on disk", func() error { return sys.AOFWritten() })
	sys.Procs["up"].Kill()
	sys.Procs["up"].Restart()
	sys.WaitReady()
	sys.Settle()
	if a := v.Get(url + "/api/products?after=1"); a.Status != 429 {
		t.Errorf("the limit was forgotten: status %d", a.Status)
	}
	listed(t, sys, "@http.url:*before=1", 5)
	listed(t, sys, "@http.url:*after=1", 1)
}

// Ctrl-C stops everything in order, and nothing is left running.
func TestUpStopsCleanly(t *testing.T) {
	sys := harness.Up(t)
	url := open(t, sys, "")
	if a := sys.Visitor(0).Get(url + "/api/products?last=1"); a.Status != 200 {
		t.Fatalf("status %d", a.Status)
	}
	sys.Procs["up"].Stop()
	sys.Procs["up"].Restart()
	sys.WaitReady()
	listed(t, sys, "@http.url:*last=1", 1) // recorded although it was stopped at once
}
