package ratelimit

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// batch is the checks of several jobs as requests to Redis: checks of the same
// bucket become one request.
type batch struct {
	jobs     []job
	requests []request
	places   [][]place // of each check of each job
}

// place is where a check's permit is: the nth one of a request.
type place struct{ request, nth int }

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
	}
	return b
}

func (b *batch) add(index map[bucketKey]int, check *policyv1.RateLimitCheck) place {
	key := bucketKey{check.GetBucket(), check.GetCapacity(), check.GetRate().AsDuration()}
	if key.bucket == "" || key.capacity < 1 || key.capacity > maxCapacity || key.rate < minRate || key.rate > maxRate {
		return place{request: invalid}
	}
	at, known := index[key]
	if !known {
		at = len(b.requests)
		index[key] = at
		b.requests = append(b.requests, request{bucket: key.bucket, capacity: key.capacity, rate: key.rate})
	}
	r := &b.requests[at]
	r.wanted++
	return place{at, r.wanted - 1}
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
	g := grants[p.request]
	left := max(0, b.requests[p.request].capacity-g.held)
	if p.nth >= g.given {
		return &policyv1.RateLimitDecision{Remaining: left, RetryAfter: durationpb.New(g.retryAfter)}
	}
	return &policyv1.RateLimitDecision{Allowed: true, Remaining: left + int64(g.given-1-p.nth)}
}

func unavailable(checks []*policyv1.RateLimitCheck) []*policyv1.RateLimitDecision {
	out := make([]*policyv1.RateLimitDecision, len(checks))
	for i, check := range checks {
		out[i] = &policyv1.RateLimitDecision{Id: check.GetId(), Unavailable: true}
	}
	return out
}
