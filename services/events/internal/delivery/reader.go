package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/events/internal/event"
)

const (
	readBatch = 500 // exchanges per message
	// maxFilter is what capture takes, in bytes.
	maxFilter = 4096
	// positionLimit is how long capture may take to say where its log ends.
	positionLimit = 2 * time.Second
)

// chunk is a message of the log.
type chunk struct {
	exchanges []*capturev1.Exchange
	position  string // to go on after these
}

// reader follows capture's log.
type reader struct {
	capture capturev1.CaptureServiceClient
	log     *slog.Logger
	filter  string
	retry   backoff
}

// run sends what the log has after begin to out, through outages of capture, until
// ctx ends.
func (r *reader) run(ctx context.Context, begin start, out chan<- chunk) {
	for ctx.Err() == nil {
		err := r.follow(ctx, &begin, out)
		if ctx.Err() == nil {
			r.log.WarnContext(ctx, "the log of exchanges cannot be followed; trying again", "error", err)
			r.retry.wait(ctx, 0)
		}
	}
}

func (r *reader) follow(ctx context.Context, begin *start, out chan<- chunk) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := r.capture.FollowLog(ctx, r.request(*begin))
	if err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		r.retry.reset()
		c := chunk{since(begin.since, m.GetExchanges()), m.GetPosition()}
		select {
		case out <- c:
			begin.position = c.position
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *reader) request(begin start) *capturev1.FollowLogRequest {
	req := &capturev1.FollowLogRequest{Filter: r.filter, Position: begin.position, BatchSize: readBatch}
	if begin.since.IsZero() {
		return req
	}
	if req.Position == "" {
		req.Position = "0"
	}
	// Requests may take long: what began well before may have been completed since.
	// The exact cut is made here; this one only spares capture the old log.
	recent := fmt.Sprintf("@timestamp:>=%q", begin.since.Add(-24*time.Hour).UTC().Format(time.RFC3339))
	if r.filter != "" {
		recent = "(" + r.filter + ") " + recent
	}
	if len(recent) <= maxFilter {
		req.Filter = recent
	}
	return req
}

// since drops exchanges that were completed before a moment.
func since(moment time.Time, list []*capturev1.Exchange) []*capturev1.Exchange {
	if moment.IsZero() {
		return list
	}
	kept := list[:0]
	for _, ex := range list {
		if !event.Completed(ex).Before(moment) {
			kept = append(kept, ex)
		}
	}
	return kept
}

// end asks capture where its log ends now.
func end(ctx context.Context, capture capturev1.CaptureServiceClient) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, positionLimit)
	defer cancel()
	stream, err := capture.FollowLog(ctx, &capturev1.FollowLogRequest{BatchSize: 1})
	if err != nil {
		return "", err
	}
	m, err := stream.Recv()
	switch {
	case errors.Is(err, io.EOF):
		return "", errors.New("capture ended the log")
	case err != nil:
		return "", err
	case len(m.GetExchanges()) > 0:
		// The log grew before capture answered: the position is past those.
		return "", errors.New("capture did not say where its log ends")
	}
	return m.GetPosition(), nil
}
