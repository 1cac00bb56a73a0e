package serve

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The garbage collector's percentage is kept between these (see GOGC of package
// runtime, whose default is the lower one).
const (
	minPercent = 100
	maxPercent = 400
)

// Headroom lets the garbage collector wait until so many bytes were allocated,
// where the default would have it come after as many as are in use: a proxy keeps
// little and allocates much, and its collector would never rest. With more in use
// than room it is as by default, so memory stays below twice what is in use, or
// that and room. It does nothing when the operator has set GOGC.
func Headroom(room uint64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	h := &headroom{room: room, percent: minPercent}
	h.adjust()
}

type headroom struct {
	room    uint64
	percent int
}

// cycle is garbage from the beginning: that it was collected says that a collection
// has ended.
type cycle struct{ _ [16]byte }

// adjust is called after each collection.
func (h *headroom) adjust() {
	if p := percentFor(live(), h.room); p*10 < h.percent*9 || p*10 > h.percent*11 { // setting it stops the world
		debug.SetGCPercent(p)
		h.percent = p
	}
	runtime.SetFinalizer(&cycle{}, func(*cycle) { h.adjust() })
}

func percentFor(live, room uint64) int {
	return int(min(maxPercent, max(minPercent, room*100/max(1, live)))) // #nosec G115 -- between two small numbers
}

// live is what the last collection found in use, in bytes.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
