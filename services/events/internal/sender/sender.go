// Package sender knows the wire contracts of destinations: how a batch of events
// becomes a request and what an answer means for each of them. It tries once;
// retrying, waiting and keeping what was refused are package delivery's.
package sender

import (
	"context"
	"fmt"
	"time"

	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/event"
)

// Kind is what is to become of a record after an attempt.
type Kind int

// The kinds of verdicts.
const (
	// Delivered: the other side has it.
	Delivered Kind = iota
	// RetryRecord: this record failed for a passing reason.
	RetryRecord
	// RetryBatch: the attempt failed for a passing reason, or its end is unknown.
	RetryBatch
	// SplitBatch: the batch was too large, or hides one bad record.
	SplitBatch
	// Reject: this record can never be accepted.
	Reject
	// Misconfigured: nothing is accepted until someone changes something.
	Misconfigured
)

// Verdict is the fate of one record.
type Verdict struct {
	Kind   Kind
	After  time.Duration // wait the other side asked for; 0: none
	Reason string        // empty when Delivered
}

// Record is one event as it stands in a request.
type Record struct {
	Event event.Event
	Body  []byte
}

// Limits bound a batch.
type Limits struct {
	Records int
	Bytes   int           // sum of the bodies' lengths
	Record  int           // one body's length
	Linger  time.Duration // how long a batch that is not full waits for more
}

// Outcome is what came of one attempt.
type Outcome struct {
	Verdicts []Verdict // one per record, in order
	Answer   egress.Answer
}

// Sender speaks to one destination.
type Sender interface {
	Limits() Limits
	// Encode returns the record's bytes.
	Encode(e event.Event) (Record, error)
	// Send makes one attempt to deliver records, which keep within Limits.
	Send(ctx context.Context, records []Record) Outcome
}

// all is the outcome in which every record fares the same.
func all(n int, v Verdict, a egress.Answer) Outcome {
	out := Outcome{Verdicts: make([]Verdict, n), Answer: a}
	for i := range out.Verdicts {
		out.Verdicts[i] = v
	}
	return out
}

// classify judges the answer to a request with n records that is accepted or
// refused as a whole.
func classify(a egress.Answer, n int) Verdict {
	switch {
	case a.OK():
		return Verdict{Kind: Delivered}
	case a.Err != nil && egress.IsPermanent(a.Err):
		return Verdict{Kind: Misconfigured, Reason: a.Text()}
	case a.Err != nil, a.Status == 408, a.Status == 425, a.Status == 429, a.Status >= 500:
		return Verdict{Kind: RetryBatch, After: a.RetryAfter, Reason: a.Text()}
	case a.Status/100 == 3:
		return Verdict{Kind: Misconfigured, Reason: fmt.Sprintf("status %d: redirects are not followed; set the final URL", a.Status)}
	case a.Status == 413, a.Status == 400 && n > 1, a.Status == 422 && n > 1:
		return Verdict{Kind: SplitBatch, Reason: a.Text()}
	case a.Status == 400, a.Status == 422:
		return Verdict{Kind: Reject, Reason: a.Text()}
	}
	return Verdict{Kind: Misconfigured, Reason: a.Text()}
}
