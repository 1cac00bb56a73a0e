package upstream

import (
	"sync"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// maxEjection is the longest that a target is left out at a time.
const maxEjection = 5 * time.Minute

// outliers takes members that keep failing requests out for a while.
type outliers struct {
	mu       *sync.Mutex // held while somebody is ejected; passes on with the members
	failures int32       // in a row
	time     time.Duration
	percent  int // of the members that may be out
}

func newOutliers(doc *policyv1.OutlierDetection) *outliers {
	if doc == nil {
		return nil
	}
	o := &outliers{mu: &sync.Mutex{}, failures: 5, time: 30 * time.Second, percent: 50}
	if n := doc.GetConsecutiveFailures(); n > 0 {
		o.failures = int32(min(n, 1000)) // #nosec G115 -- bounded
	}
	if d := doc.GetEjectionTime(); d != nil {
		o.time = d.AsDuration()
	}
	if n := doc.GetMaxEjectedPercent(); n > 0 {
		o.percent = int(n)
	}
	return o
}

// judge notes how a request to the i-th member went, and reports whether that got
// it ejected.
func (u *Upstream) judge(i int, failed bool, now time.Time) (ejected bool) {
	o, m := u.outliers, u.members[i]
	if o == nil {
		return false
	}
	if !failed {
		if m.failures.Load() != 0 {
			m.failures.Store(0)
		}
		if m.ejections.Load() != 0 && !m.ejected(now) {
			m.ejections.Store(0)
		}
		return false
	}
	if m.failures.Add(1) < o.failures {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if m.ejected(now) || !u.mayEject(now) {
		return false
	}
	n := m.ejections.Add(1)
	m.failures.Store(0)
	m.ejectedUntil.Store(now.Add(min(time.Duration(n)*o.time, maxEjection)).UnixNano())
	return true
}

// mayEject reports whether one more member may be out.
func (u *Upstream) mayEject(now time.Time) bool {
	out := 1
	for _, m := range u.members {
		if m.ejected(now) {
			out++
		}
	}
	return out*100 <= u.outliers.percent*len(u.members)
}
