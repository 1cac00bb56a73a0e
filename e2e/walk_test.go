// Package e2e tests Sluice whole: the processes that users run, over real
// sockets, on real Redis and the real ClickHouse engine.
package e2e_test

import (
	"testing"

	"sluice.dev/e2e/harness"
)

// The walk of docs/guide.md: from "I have an API" to "I was alerted". It runs on
// everything in one process, on one process a service, and with two proxies that
// share one Redis.
func TestWalk(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *harness.System{
		"one process":           func(t testing.TB) *harness.System { return harness.Up(t) },
		"a process per service": func(t testing.TB) *harness.System { return harness.Split(t, 1) },
		"two proxies":           func(t testing.TB) *harness.System { return harness.Split(t, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWalk(t, start(t))
			w.publish()
			w.limit()
			w.inspect()
			w.captureInFull()
			w.replay()
			w.export()
			w.alert()
			w.recover()
			w.surviveKill()
			w.sys.Balance(15)
		})
	}
}
