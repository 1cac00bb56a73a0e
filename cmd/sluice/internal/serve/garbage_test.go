package serve

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestPercentFor(t *testing.T) {
	const room = 40 << 20
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 10 << 20: 400, 20 << 20: 200, 40 << 20: 100, 1 << 30: 100} {
		if got := percentFor(live, room); got != want {
			t.Errorf("with %d MB in use: %d%%; want %d%%", live>>20, got, want)
		}
	}
}

func TestHeadroomFollowsWhatIsInUse(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	Headroom(64 << 20)
	percent := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	if got := percent(); got != maxPercent {
		t.Errorf("it begins with %d%%", got)
	}
	held := make([]byte, 256<<20)
	for range 1000 {
		runtime.GC() // the finalizer of a collection runs after it
		if percent() == minPercent {
			runtime.KeepAlive(held)
			return
		}
	}
	t.Errorf("with %d MB in use it is %d%%", len(held)>>20, percent())
}
