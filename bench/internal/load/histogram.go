package load

import (
	"math"
	"math/bits"
	"time"
)

// Histogram counts durations in buckets whose width is less than one percent of
// their value, as HdrHistogram does.
type Histogram struct {
	counts [64 * sub]uint64
	total  uint64
}

// sub is how many buckets there are between a power of two and the next.
const sub = 128

// Record counts d; what is negative counts as 0.
func (h *Histogram) Record(d time.Duration) {
	h.counts[bucket(uint64(max(0, d)))]++
	h.total++
}

// Count is how many durations were recorded.
func (h *Histogram) Count() uint64 { return h.total }

// Quantile is the duration that the share q (0 to 1) of all did not exceed.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(1, uint64(math.Ceil(q*float64(h.total))))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return time.Duration(middle(i)) // #nosec G115 -- durations fit
		}
	}
	return 0
}

func bucket(v uint64) int {
	if v < sub {
		return int(v) // #nosec G115 -- below sub
	}
	shift := bits.Len64(v) - bits.Len64(sub)
	return (shift+1)*sub + int(v>>shift) - sub // #nosec G115 -- the index of a bucket
}

// middle is the middle of bucket i.
func middle(i int) uint64 {
	if i < sub {
		return uint64(i) // #nosec G115 -- an index
	}
	shift := i/sub - 1
	low := uint64(i%sub+sub) << shift // #nosec G115 -- an index
	return low + uint64(1)<<shift/2
}
