package benchmark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sluice.dev/platform/id"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Supply says what a running capture service is fed.
type Supply struct {
	Target string // of the service's gRPC
	Rows   int
	// Rate is how many exchanges a second are sent, each as it would be received
	// then. 0: all at once, received over the time before now.
	Rate int
	Over time.Duration
}

// beat is how often a feed with a rate sends a batch, as a proxy does.
const beat = 20 * time.Millisecond

// Feed sends exchanges to a running capture service over one stream, as a proxy
// does, and returns when each is acknowledged.
func Feed(ctx context.Context, s Supply) error {
	conn, err := rpc.Dial(s.Target, rpc.ClientConfig{}, telemetry.Nop())
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := capturev1.NewIngestServiceClient(conn).Ingest(ctx)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() { sent <- s.send(ctx, stream) }()
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return <-sent
		} else if err != nil {
			return fmt.Errorf("feeding %s: %w", s.Target, err)
		}
	}
}

func (s Supply) send(ctx context.Context, stream capturev1.IngestService_IngestClient) error {
	begin := time.Now()
	g := newTraffic(uint64(begin.UnixNano())) //nolint:gosec // not negative
	for done := 0; done < s.Rows; {
		n := min(batchRows, s.Rows-done)
		if s.Rate > 0 {
			n = min(n, int(time.Since(begin).Seconds()*float64(s.Rate))-done)
		}
		if n > 0 {
			b := &capturev1.Batch{Id: id.Batch.New()}
			for range n {
				b.Exchanges = append(b.Exchanges, g.exchange(s.at(begin, done)))
				done++
			}
			if err := stream.Send(&capturev1.IngestRequest{ProxyId: "px_bench", Batch: b}); err != nil {
				return nil // the reason is what Recv returns
			}
		}
		if s.Rate > 0 && !pause(ctx, beat) {
			return ctx.Err()
		}
	}
	return stream.CloseSend()
}

// at is when the exchange with a number is received.
func (s Supply) at(begin time.Time, number int) time.Time {
	if s.Rate > 0 {
		return begin.Add(time.Duration(number) * time.Second / time.Duration(s.Rate))
	}
	return begin.Add(-s.Over).Add(s.Over / time.Duration(s.Rows) * time.Duration(number))
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
