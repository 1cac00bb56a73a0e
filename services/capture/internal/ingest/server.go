package ingest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

const (
	// unacknowledged bounds the batches of one stream that wait for their
	// acknowledgement.
	unacknowledged = 64
)

// Stop tells streams of the end of the server: from Begun on they take nothing
// more, and by Ends they give up what is not durable.
type Stop struct{ Begun, Ends <-chan struct{} }

// Accounts keeps what proxies report of their counts.
type Accounts interface {
	Report(ctx context.Context, report *capturev1.ProxyAccounting) error
}

type stream = grpc.BidiStreamingServer[capturev1.IngestRequest, capturev1.IngestResponse]

// Serve takes the batches of one proxy and acknowledges them in the order in
// which they came, until the proxy ends the stream or the server stops.
func Serve(s stream, committer *Committer, accounts Accounts, stop Stop, log *slog.Logger) error {
	committer.metrics.streams.Inc()
	defer committer.metrics.streams.Dec()
	in := &intake{stream: s, committer: committer, accounts: accounts, stop: stop, log: log, tickets: make(chan *Ticket, unacknowledged)}
	ended := make(chan error, 1)
	go func() {
		ended <- in.receive()
		close(in.tickets)
	}()
	return in.acknowledge(ended)
}

// intake is one stream.
type intake struct {
	stream    stream
	committer *Committer
	accounts  Accounts
	stop      Stop
	log       *slog.Logger
	tickets   chan *Ticket
}

// receive submits what comes until the proxy ends the stream, which is nil.
func (in *intake) receive() error {
	ctx := in.stream.Context()
	for {
		req, err := in.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if report := req.GetAccounting(); report != nil {
			in.report(ctx, report, req.GetProxyId())
		}
		if req.GetBatch() == nil {
			continue
		}
		ticket, err := in.committer.Submit(ctx, req.GetBatch())
		if err != nil {
			return err
		}
		select {
		case in.tickets <- ticket:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// report keeps a report; one that is lost is made good by the next.
func (in *intake) report(ctx context.Context, report *capturev1.ProxyAccounting, proxy string) {
	if report.GetProxyId() == "" {
		report.ProxyId = proxy
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := in.accounts.Report(ctx, report); err != nil {
		in.log.Warn("a proxy's accounting was not kept", "proxy", report.GetProxyId(), "error", err)
	}
}

// acknowledge answers for each ticket until the stream ends or the server stops.
func (in *intake) acknowledge(ended <-chan error) error {
	for {
		select {
		case t, open := <-in.tickets:
			if !open {
				return <-ended
			}
			if err := in.answer(t); err != nil {
				return err
			}
		case <-in.stop.Begun:
			return in.farewell()
		}
	}
}

// farewell answers for what has been taken already and sends the proxy away.
func (in *intake) farewell() error {
	for {
		select {
		case t, open := <-in.tickets:
			if !open {
				return errStopping
			}
			if err := in.answer(t); err != nil {
				return err
			}
		default:
			return errStopping
		}
	}
}

var errStopping = errs.Unavailable("capture is stopping; send what is not acknowledged again")

func (in *intake) answer(t *Ticket) error {
	select {
	case <-t.Done():
	case <-in.stop.Ends:
		return errStopping
	case <-in.stream.Context().Done():
		return in.stream.Context().Err()
	}
	if err := t.Err(); err != nil {
		return errs.Unavailable("batch %s could not be stored; send it again", t.ID).Because(err)
	}
	return in.stream.Send(&capturev1.IngestResponse{BatchId: t.ID})
}
