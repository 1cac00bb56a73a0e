package gateway_test

import (
	"context"
	"strconv"
	"sync"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/rpc"
)

// policyFake is a policy service that keeps endpoints in memory.
type policyFake struct {
	policyv1.UnimplementedEndpointServiceServer
	policyv1.UnimplementedApiKeyServiceServer
	policyv1.UnimplementedTrafficPolicyServiceServer
	policyv1.UnimplementedSettingsServiceServer

	mu        sync.Mutex
	keys      map[string]*policyv1.ApiKey // by token
	endpoints map[string]*policyv1.Endpoint
	principal string              // of the newest call
	metadata  metadata.MD         // of the newest call
	masks     map[string][]string // of updates, by endpoint
}

func newPolicyFake() *policyFake {
	return &policyFake{keys: map[string]*policyv1.ApiKey{}, endpoints: map[string]*policyv1.Endpoint{}, masks: map[string][]string{}}
}

func (p *policyFake) register(s grpc.ServiceRegistrar) {
	policyv1.RegisterEndpointServiceServer(s, p)
	policyv1.RegisterApiKeyServiceServer(s, p)
	policyv1.RegisterTrafficPolicyServiceServer(s, p)
	policyv1.RegisterSettingsServiceServer(s, p)
}

func (p *policyFake) addKey(token string, scope policyv1.Scope) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[token] = &policyv1.ApiKey{Id: "ak_" + token, Scope: scope}
}

func (p *policyFake) AuthenticateApiKey(_ context.Context, req *policyv1.AuthenticateApiKeyRequest) (*policyv1.AuthenticateApiKeyResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key, ok := p.keys[req.GetToken()]
	if !ok {
		return nil, errs.New(codes.Unauthenticated, errs.ReasonBadKey, "this API key does not exist")
	}
	return &policyv1.AuthenticateApiKeyResponse{ApiKey: key}, nil
}

func (p *policyFake) ListApiKeys(context.Context, *policyv1.ListApiKeysRequest) (*policyv1.ListApiKeysResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &policyv1.ListApiKeysResponse{}
	for _, k := range p.keys {
		out.ApiKeys = append(out.ApiKeys, k)
	}
	return out, nil
}

func (p *policyFake) CreateEndpoint(ctx context.Context, req *policyv1.CreateEndpointRequest) (*policyv1.CreateEndpointResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.principal = rpc.Principal(ctx)
	p.metadata, _ = metadata.FromIncomingContext(ctx)
	e := proto.CloneOf(req.GetEndpoint())
	switch e.GetTrafficPolicy() {
	case "wrong":
		return nil, errs.Invalid("the policy has 1 problem").With(errs.Violation{
			Field: "on_http_request[0].actions[0].type", Message: "there is no action \"denny\"", Hint: "did you mean deny?", Line: 3, Column: 11, Code: "SLUICE_2203"})
	case "panic":
		panic("boom")
	}
	e.Id = "ep_" + strconv.Itoa(len(p.endpoints)+1)
	e.CreatedAt = timestamppb.Now()
	p.endpoints[e.GetId()] = e
	return &policyv1.CreateEndpointResponse{Endpoint: e}, nil
}

func (p *policyFake) GetEndpoint(_ context.Context, req *policyv1.GetEndpointRequest) (*policyv1.GetEndpointResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.endpoints[req.GetId()]
	if !ok {
		return nil, errs.NotFound("endpoint", req.GetId())
	}
	return &policyv1.GetEndpointResponse{Endpoint: e}, nil
}

func (p *policyFake) ListEndpoints(context.Context, *policyv1.ListEndpointsRequest) (*policyv1.ListEndpointsResponse, error) {
	return &policyv1.ListEndpointsResponse{}, nil
}

func (p *policyFake) UpdateEndpoint(_ context.Context, req *policyv1.UpdateEndpointRequest) (*policyv1.UpdateEndpointResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.masks[req.GetEndpoint().GetId()] = req.GetUpdateMask().GetPaths()
	return &policyv1.UpdateEndpointResponse{Endpoint: req.GetEndpoint()}, nil
}

func (p *policyFake) DeleteEndpoint(context.Context, *policyv1.DeleteEndpointRequest) (*policyv1.DeleteEndpointResponse, error) {
	return &policyv1.DeleteEndpointResponse{}, nil
}

// captureFake has a log of exchanges that grows on demand.
type captureFake struct {
	capturev1.UnimplementedCaptureServiceServer

	mu    sync.Mutex
	log   []*capturev1.Exchange
	grown chan struct{} // closed when the log has grown
	tails int           // streams that are open
}

func newCaptureFake() *captureFake { return &captureFake{grown: make(chan struct{})} }

// GetExport sends a file in two parts; one with the filter "broken" breaks off.
func (c *captureFake) GetExport(req *capturev1.GetExportRequest, s grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	if req.GetFilter() == "wrong" {
		return errs.InvalidField("filter", "it is wrong")
	}
	if err := s.SendHeader(metadata.Pairs("sluice-total", "2", "content-disposition", `attachment; filename="x.ndjson"`)); err != nil {
		return err
	}
	if err := s.Send(&httpbody.HttpBody{ContentType: "application/x-ndjson", Data: []byte("{}\n")}); err != nil {
		return err
	}
	if req.GetFilter() == "broken" {
		return errs.Unavailable("ClickHouse went away")
	}
	return s.Send(&httpbody.HttpBody{Data: []byte("{}\n")})
}

func (c *captureFake) add(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, &capturev1.Exchange{Id: id})
	close(c.grown)
	c.grown = make(chan struct{})
}

func (c *captureFake) open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tails
}

func (c *captureFake) ListExchanges(_ context.Context, req *capturev1.ListExchangesRequest) (*capturev1.ListExchangesResponse, error) {
	return &capturev1.ListExchangesResponse{NextCursor: req.GetFilter()}, nil
}

// TailExchanges: a position is the number of exchanges already seen.
func (c *captureFake) TailExchanges(req *capturev1.TailExchangesRequest, out grpc.ServerStreamingServer[capturev1.TailExchangesResponse]) error {
	if req.GetFilter() == "((" {
		return errs.InvalidField("filter", "a parenthesis is not closed")
	}
	c.mu.Lock()
	next := len(c.log)
	c.tails++
	c.mu.Unlock()
	defer func() { c.mu.Lock(); c.tails--; c.mu.Unlock() }()
	if req.GetPosition() != "" {
		next, _ = strconv.Atoi(req.GetPosition())
	}
	for {
		c.mu.Lock()
		fresh, grown := c.log[next:], c.grown
		c.mu.Unlock()
		for _, e := range fresh {
			if e.GetId() == "broken" {
				return errs.Unavailable("the store is away")
			}
			next++
			if err := out.Send(&capturev1.TailExchangesResponse{Exchange: e, Position: strconv.Itoa(next)}); err != nil {
				return err
			}
		}
		select {
		case <-out.Context().Done():
			return out.Context().Err()
		case <-grown:
		}
	}
}

// replayFake replays nothing.
type replayFake struct {
	replayv1.UnimplementedReplayServiceServer
}

func (replayFake) ReplayExchange(_ context.Context, req *replayv1.ReplayExchangeRequest) (*replayv1.ReplayExchangeResponse, error) {
	return &replayv1.ReplayExchangeResponse{ExchangeId: "replay of " + req.GetId()}, nil
}

// eventsFake knows no monitors.
type eventsFake struct {
	eventsv1.UnimplementedMonitorServiceServer
}

func (eventsFake) ListMonitors(context.Context, *eventsv1.ListMonitorsRequest) (*eventsv1.ListMonitorsResponse, error) {
	return &eventsv1.ListMonitorsResponse{}, nil
}
