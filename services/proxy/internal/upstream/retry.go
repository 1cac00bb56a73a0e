package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
)

// retry says which calls are tried again.
type retry struct {
	attempts int // after the first
	statuses []int
	methods  []string
	percent  int // of the requests that may be retries
	budget   *budget
}

// idempotent are the methods of RFC 9110 section 9.2.2.
var idempotent = []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}

func newRetry(doc *policyv1.RetryPolicy) *retry {
	if doc == nil {
		return nil
	}
	r := &retry{attempts: max(1, int(doc.GetAttempts())), statuses: []int{502, 503, 504}, methods: idempotent, percent: 20, budget: &budget{}}
	if n := doc.GetBudgetPercent(); n > 0 {
		r.percent = int(n)
	}
	if len(doc.GetStatuses()) > 0 {
		r.statuses = nil
		for _, s := range doc.GetStatuses() {
			r.statuses = append(r.statuses, int(s))
		}
	}
	if len(doc.GetMethods()) > 0 {
		r.methods = nil
		for _, m := range doc.GetMethods() {
			r.methods = append(r.methods, strings.ToUpper(m))
		}
	}
	return r
}

// Why a call is tried again, as metrics have it.
const (
	noReason         = ""
	reasonConnect    = "connect"    // nothing was sent
	reasonConnection = "connection" // it broke before a response
	reasonTimeout    = "timeout"
	reasonStatus     = "status"
)

// reason is why a call that came to this may be tried again; noReason when it must
// not be.
func (r *retry) reason(req *message.Request, res *message.Response, err error, begun bool) string {
	again := slices.Contains(r.methods, req.Method)
	var f *CallError
	switch {
	case err == nil:
		if again && slices.Contains(r.statuses, res.Status) {
			return reasonStatus
		}
		return noReason
	case !errors.As(err, &f), f.unsendable:
		return noReason
	case !begun:
		return reasonConnect
	case !again:
		return noReason
	case f.Status != 504:
		return reasonConnection
	case slices.Contains(r.statuses, 504):
		return reasonTimeout
	}
	return noReason
}

const (
	firstPause = 25 * time.Millisecond
	maxPause   = 400 * time.Millisecond
)

// pause waits before the n-th retry, counted from 0, of a target that failed
// already. It reports whether ctx allowed it.
func pause(ctx context.Context, n int) bool {
	d := min(firstPause<<n, maxPause)
	d = d/2 + rand.N(d) // #nosec G404 -- only to spread them
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
