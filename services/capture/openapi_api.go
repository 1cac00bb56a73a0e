package capture

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/openapi"
)

// GetOpenApi describes an endpoint's traffic.
func (r routeAPI) GetOpenApi(ctx context.Context, req *capturev1.GetOpenApiRequest) (*capturev1.GetOpenApiResponse, error) {
	description, info := openapi.NewDescription(), openapi.Info{}
	err := r.sample(ctx, req, func(e *capturev1.Exchange) error {
		if info.Server == "" { // the newest knows best
			info = openapi.Info{Title: e.GetEndpointName(), Server: e.GetEndpointUrl()}
		}
		description.Add(e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if description.Exchanges() == 0 {
		return nil, errs.NotFound("answered exchange of the endpoint", req.GetEndpointId())
	}
	document, err := description.Document(info)
	if err != nil {
		return nil, errs.Internal(err)
	}
	return &capturev1.GetOpenApiResponse{Document: string(document), Exchanges: description.Exchanges()}, nil
}

// ValidateOpenApi compares an endpoint's traffic with a document.
func (r routeAPI) ValidateOpenApi(ctx context.Context, req *capturev1.ValidateOpenApiRequest) (*capturev1.ValidateOpenApiResponse, error) {
	contract, err := openapi.ReadContract(req.GetDocument())
	if err != nil {
		return nil, err
	}
	comparison := openapi.NewComparison(contract)
	err = r.sample(ctx, req, func(e *capturev1.Exchange) error {
		comparison.Add(e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &capturev1.ValidateOpenApiResponse{Drifts: comparison.Drifts(), Exchanges: comparison.Exchanges()}, nil
}

// sampled is a request about a sample of an endpoint's exchanges.
type sampled interface {
	GetEndpointId() string
	GetStartTime() *timestamppb.Timestamp
	GetEndTime() *timestamppb.Timestamp
	GetSample() int32
}

func (r routeAPI) sample(ctx context.Context, req sampled, use func(*capturev1.Exchange) error) error {
	b, err := r.api.open()
	if err != nil {
		return err
	}
	q, err := b.query.Sample(req.GetEndpointId(), req.GetStartTime(), req.GetEndTime(), req.GetSample())
	if err != nil {
		return err
	}
	return q.Each(ctx, b.store, use)
}
