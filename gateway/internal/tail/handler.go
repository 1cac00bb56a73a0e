// Package tail serves the stream of exchanges as server-sent events, which
// browsers and curl can follow and resume.
package tail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/protobuf/encoding/protojson"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/gateway/internal/apierror"
	"sluice.dev/platform/errs"
)

const (
	// grace is how long an answer waits for a refusal, such as of a wrong filter,
	// that should be the HTTP status.
	grace = 300 * time.Millisecond
	// writeTimeout bounds how long a client may leave an event unread. Until then
	// gRPC's flow control holds back the service: nothing piles up here.
	writeTimeout = 10 * time.Second
	// reconnect is what clients are told to wait before they resume, in ms.
	reconnect = 1000
)

// Handler follows the log of exchanges for each client.
type Handler struct {
	Client    capturev1.CaptureServiceClient
	Marshal   protojson.MarshalOptions
	Heartbeat time.Duration
	// Closing is closed when the gateway stops: streams then end.
	Closing <-chan struct{}
	// Annotate adds what services must know of the caller.
	Annotate func(context.Context) context.Context
}

type received struct {
	message *capturev1.TailExchangesResponse
	err     error
}

// ServeHTTP streams until the client goes away, the service ends the stream or
// the gateway stops.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	req, err := request(r)
	if err != nil {
		apierror.Write(w, err)
		return
	}
	stream, err := h.Client.TailExchanges(h.Annotate(ctx), req)
	if err != nil {
		apierror.Write(w, err)
		return
	}
	events := make(chan received)
	go func() {
		defer close(events)
		for {
			m, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return
			}
			select {
			case events <- received{m, errs.FromGRPC(err)}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	defer func() {
		cancel()
		for range events { // until the reader has ended, too
		}
	}()
	h.serve(ctx, w, events)
}

// request reads filter and position; Last-Event-ID, which browsers send when
// they reconnect, wins over the position in the URL.
func request(r *http.Request) (*capturev1.TailExchangesRequest, error) {
	req := &capturev1.TailExchangesRequest{}
	if err := runtime.PopulateQueryParameters(req, r.URL.Query(), utilities.NewDoubleArray(nil)); err != nil {
		return nil, errs.Invalid("%s", err)
	}
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		req.Position = id
	}
	return req, nil
}

func (h *Handler) serve(ctx context.Context, w http.ResponseWriter, events <-chan received) {
	first := received{}
	select {
	case first = <-events:
		if first.err != nil {
			apierror.Write(w, first.err)
			return
		}
	case <-time.After(grace):
	case <-ctx.Done():
		return
	}
	out := start(w)
	defer out.end()
	if first.message != nil && h.event(out, first) != nil {
		return
	}
	h.follow(ctx, out, events)
}

func (h *Handler) follow(ctx context.Context, out *writer, events <-chan received) {
	beat := time.NewTicker(h.Heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-h.Closing:
			return
		case <-beat.C:
			err = out.write(": alive\n\n")
		case e, open := <-events:
			if !open {
				return
			}
			err = h.event(out, e)
		}
		if err != nil {
			return
		}
	}
}

// event writes one message or the error that ends the stream.
func (h *Handler) event(out *writer, e received) error {
	if e.err != nil {
		data, err := json.Marshal(apierror.Of(e.err, out.requestID))
		if err != nil {
			return err
		}
		_ = out.write(fmt.Sprintf("event: error\ndata: %s\n\n", data)) // the stream ends either way
		return e.err
	}
	data, err := h.Marshal.Marshal(e.message.GetExchange())
	if err != nil {
		return fmt.Errorf("write an exchange as JSON: %w", err)
	}
	return out.write(fmt.Sprintf("id: %s\nevent: exchange\ndata: %s\n\n", e.message.GetPosition(), data))
}
