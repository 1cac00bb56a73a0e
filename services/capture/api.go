package capture

import (
	"context"
	"log/slog"
	"sync/atomic"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/ingest"
)

// api is what both gRPC services share: the backend, once it is there, and the
// news that the service stops.
type api struct {
	log     *slog.Logger
	backend atomic.Pointer[backend]
	stop    ingest.Stop // set before the server runs
}

func newAPI(log *slog.Logger) *api { return &api{log: log} }

func (a *api) open() (*backend, error) {
	if b := a.backend.Load(); b != nil {
		return b, nil
	}
	return nil, errs.Unavailable("capture is not ready: it waits for ClickHouse and Redis")
}

// following runs a call that has no end of its own until the service stops.
func (a *api) following(ctx context.Context, follow func(context.Context, *backend) error) error {
	b, err := a.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-a.stop.Begun:
			cancel()
		case <-ctx.Done():
		}
	}()
	err = follow(ctx, b)
	select {
	case <-a.stop.Begun:
		return errs.Unavailable("capture is stopping; go on from the last position").Because(err)
	default:
		return err
	}
}

type ingestAPI struct {
	capturev1.UnimplementedIngestServiceServer
	api *api
}

func (i ingestAPI) Ingest(s grpc.BidiStreamingServer[capturev1.IngestRequest, capturev1.IngestResponse]) error {
	b, err := i.api.open()
	if err != nil {
		return err
	}
	return ingest.Serve(s, b.committer, b.accounts, i.api.stop, i.api.log)
}

type captureAPI struct {
	capturev1.UnimplementedCaptureServiceServer
	api *api
}

func (c captureAPI) ListExchanges(ctx context.Context, req *capturev1.ListExchangesRequest) (*capturev1.ListExchangesResponse, error) {
	b, err := c.api.open()
	if err != nil {
		return nil, err
	}
	return b.query.List(ctx, req)
}

func (c captureAPI) GetExchange(ctx context.Context, req *capturev1.GetExchangeRequest) (*capturev1.GetExchangeResponse, error) {
	b, err := c.api.open()
	if err != nil {
		return nil, err
	}
	return b.query.Get(ctx, req)
}

func (c captureAPI) ValidateSearch(ctx context.Context, req *capturev1.ValidateSearchRequest) (*capturev1.ValidateSearchResponse, error) {
	b, err := c.api.open()
	if err != nil {
		return nil, err
	}
	return b.query.Validate(ctx, req)
}

func (c captureAPI) AggregateExchanges(ctx context.Context, req *capturev1.AggregateExchangesRequest) (*capturev1.AggregateExchangesResponse, error) {
	b, err := c.api.open()
	if err != nil {
		return nil, err
	}
	return b.query.Aggregate(ctx, req)
}

func (c captureAPI) GetAccounting(ctx context.Context, _ *capturev1.GetAccountingRequest) (*capturev1.GetAccountingResponse, error) {
	b, err := c.api.open()
	if err != nil {
		return nil, err
	}
	return b.query.Accounting(ctx)
}

func (c captureAPI) TailExchanges(req *capturev1.TailExchangesRequest, s grpc.ServerStreamingServer[capturev1.TailExchangesResponse]) error {
	return c.api.following(s.Context(), func(ctx context.Context, b *backend) error { return b.query.Tail(ctx, req, s.Send) })
}

func (c captureAPI) FollowLog(req *capturev1.FollowLogRequest, s grpc.ServerStreamingServer[capturev1.FollowLogResponse]) error {
	return c.api.following(s.Context(), func(ctx context.Context, b *backend) error { return b.query.Follow(ctx, req, s.Send) })
}

func (c captureAPI) GetHistogram(ctx context.Context, req *capturev1.GetHistogramRequest) (*capturev1.GetHistogramResponse, error) {
	b, err := c.api.open()
	if err != nil {
		return nil, err
	}
	return b.query.Histogram(ctx, req)
}

func (c captureAPI) ListFacets(ctx context.Context, req *capturev1.ListFacetsRequest) (*capturev1.ListFacetsResponse, error) {
	b, err := c.api.open()
	if err != nil {
		return nil, err
	}
	return b.query.Facets(ctx, req)
}

func (c captureAPI) GetRequestBody(req *capturev1.GetRequestBodyRequest, s grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	return c.api.following(s.Context(), func(ctx context.Context, b *backend) error {
		return b.query.Body(ctx, req.GetId(), capturev1.BodySide_BODY_SIDE_REQUEST, s.Send)
	})
}

func (c captureAPI) GetResponseBody(req *capturev1.GetResponseBodyRequest, s grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	return c.api.following(s.Context(), func(ctx context.Context, b *backend) error {
		return b.query.Body(ctx, req.GetId(), capturev1.BodySide_BODY_SIDE_RESPONSE, s.Send)
	})
}

func (c captureAPI) GetStorage(ctx context.Context, _ *capturev1.GetStorageRequest) (*capturev1.GetStorageResponse, error) {
	b, err := c.api.open()
	if err != nil {
		return nil, err
	}
	return b.query.Storage(ctx)
}
