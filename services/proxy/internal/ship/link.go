package ship

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// event is something that happened on the way to the capture service: a stream
// is up, a batch was acknowledged, or (neither) the stream broke.
type event struct {
	up    *link
	acked string
}

// link is one stream. Its queue takes a whole window, so sending never blocks.
type link struct {
	out chan *message // closed: nothing more will come
}

func (l *link) send(r *message) { l.out <- r }

// trySend leaves room for the window.
func (l *link) trySend(r *message) bool {
	if cap(l.out)-len(l.out) <= windowBatches {
		return false
	}
	l.out <- r
	return true
}

// patience is how long capture may be away before a person is told: a restart is
// no news.
const patience = 2 * time.Second

// keepLinked opens a stream again and again until ctx ends.
func keepLinked(ctx context.Context, client capturev1.IngestServiceClient, events chan<- event, log *slog.Logger) {
	var wait time.Duration
	downSince, told := time.Now(), false
	for {
		began := time.Now()
		err := oneLink(ctx, client, events)
		if ctx.Err() != nil {
			return
		}
		if lasted := time.Since(began); lasted > time.Second { // it was up
			downSince, told = time.Now(), false
			if lasted > 10*time.Second {
				wait = 0
			}
		}
		if !told && time.Since(downSince) > patience {
			told = true
			log.Warn("not connected to the capture service; records go to the spool", "error", err)
		}
		wait = min(max(2*wait, 100*time.Millisecond), 3*time.Second)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait/2 + rand.N(wait/2)): // #nosec G404 -- jitter needs no secrecy
		}
	}
}

// oneLink runs one stream to its end.
func oneLink(parent context.Context, client capturev1.IngestServiceClient, events chan<- event) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	stream, err := client.Ingest(ctx, asSealed())
	if err != nil {
		return err
	}
	// Two windows: one of batches that are sent again, one of room for reports.
	l := &link{out: make(chan *message, 2*windowBatches+2)}
	sent := make(chan struct{})
	defer func() { cancel(); <-sent }()
	go func() { defer close(sent); l.write(ctx, stream, cancel) }()
	if !tell(ctx, events, event{up: l}) {
		return ctx.Err()
	}
	for {
		res, err := stream.Recv()
		if err != nil {
			tell(parent, events, event{})
			return err
		}
		if res.GetBatchId() != "" && !tell(ctx, events, event{acked: res.GetBatchId()}) {
			return ctx.Err()
		}
	}
}

func tell(ctx context.Context, events chan<- event, e event) bool {
	select {
	case events <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *link) write(ctx context.Context, stream capturev1.IngestService_IngestClient, broken context.CancelFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case r, ok := <-l.out:
			if !ok {
				_ = stream.CloseSend() // the reader sees why if it fails
				return
			}
			if stream.SendMsg(r) != nil {
				broken() // the reader gets the error
				return
			}
		}
	}
}
