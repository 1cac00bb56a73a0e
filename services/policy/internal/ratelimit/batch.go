package ratelimit

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// minLeasing is the smallest capacity of which permits are leased: of a smaller
// one a lease would keep too large a part from other proxies.
const minLeasing = 100

// batch is the checks of several jobs as requests to Redis: checks of the same
// bucket become one request.
type batch struct {
	jobs     []job
	requests []request
	places   [][]place // of each check of each job
	back     []giveBack
}

// place is where a check's permits are: the nth of those for requests that wait,
// and of those leased some that come after those of checks before it.
type place struct {
	request, nth int
	before, more int64
}

// invalid marks a check that cannot be decided.
const invalid = -1

type bucketKey struct {
	bucket   string
	capacity int64
	rate     time.Duration
}

func newBatch(jobs []job) *batch {
	b := &batch{jobs: jobs, places: make([][]place, len(jobs))}
	index := make(map[bucketKey]int)
	for i, j := range jobs {
		b.places[i] = make([]place, len(j.checks))
		for n, check := range j.checks {
			b.places[i][n] = b.add(index, check)
		}
		for _, r := range j.returns {
			if r.GetBucket() != "" && r.GetPermits() > 0 && r.GetPermits() <= maxCapacity {
				b.back = append(b.back, giveBack{r.GetBucket(), r.GetLease(), r.GetPermits()})
			}
		}
	}
	return b
}

// asksForReturned reports whether a check may need the permits that come back with
// it: a proxy gives back what came too late, and asks again.
func (b *batch) asksForReturned() bool {
	for _, r := range b.back {
		if slices.ContainsFunc(b.requests, func(q request) bool { return q.bucket == r.bucket && q.capacity < minLeasing }) {
			return true
		}
	}
	return false
}

func (b *batch) add(index map[bucketKey]int, check *policyv1.RateLimitCheck) place {
	key := bucketKey{check.GetBucket(), check.GetCapacity(), check.GetRate().AsDuration()}
	if !key.valid() {
		return place{request: invalid}
	}
	at, known := index[key]
	if !known {
		at = len(b.requests)
		index[key] = at
		b.requests = append(b.requests, request{bucket: key.bucket, capacity: key.capacity, rate: key.rate})
	}
	r := &b.requests[at]
	p := place{request: at, nth: r.waiting, before: r.further}
	if key.capacity >= minLeasing {
		p.more = min(max(0, check.GetWant()-1), key.capacity)
	}
	r.waiting++
	r.further = min(r.further+p.more, maxCapacity)
	r.within = min(max(r.within, check.GetWithin().AsDuration()), r.rate)
	return p
}

func (k bucketKey) valid() bool {
	return k.bucket != "" && k.capacity >= 1 && k.capacity <= maxCapacity && k.rate >= minRate && k.rate <= maxRate
}

// decisions are the answers to job i.
func (b *batch) decisions(i int, grants []grant) []*policyv1.RateLimitDecision {
	out := make([]*policyv1.RateLimitDecision, len(b.places[i]))
	for n, p := range b.places[i] {
		out[n] = b.decision(p, grants)
		out[n].Id = b.jobs[i].checks[n].GetId()
	}
	return out
}

func (b *batch) decision(p place, grants []grant) *policyv1.RateLimitDecision {
	if p.request == invalid || grants[p.request].err != nil {
		return &policyv1.RateLimitDecision{Unavailable: true}
	}
	g, r := grants[p.request], b.requests[p.request]
	left := max(0, r.capacity-g.held)
	d := &policyv1.RateLimitDecision{Remaining: left}
	if g.retryAfter > 0 {
		d.RetryAfter, d.HoldOff = durationpb.New(g.retryAfter), durationpb.New(g.holdOff)
	}
	if p.nth >= g.given {
		return d
	}
	d.Allowed, d.Lease, d.ExpiresIn = true, g.lease, durationpb.New(g.ends.Sub(g.at))
	d.Granted = 1 + max(0, min(p.more, g.leased-p.before))
	d.Remaining += int64(g.given - 1 - p.nth) // as if those after it came later
	return d
}

func unavailable(checks []*policyv1.RateLimitCheck) []*policyv1.RateLimitDecision {
	out := make([]*policyv1.RateLimitDecision, len(checks))
	for i, check := range checks {
		out[i] = &policyv1.RateLimitDecision{Id: check.GetId(), Unavailable: true}
	}
	return out
}
