// Package endpoint keeps the endpoints: it normalises and checks what callers
// send and stores it. Proxies learn of changes through package distribution.
package endpoint

import (
	"context"
	"net/url"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/policy/internal/mask"
)

var fields = mask.Fields{
	Mutable: []protoreflect.Name{"url", "name", "description", "metadata", "upstream", "traffic_policy", "capture"},
	Server:  []protoreflect.Name{"id", "created_at", "updated_at", "revision", "policy_warnings"},
}

// Service is policyv1.EndpointServiceServer.
type Service struct {
	policyv1.UnimplementedEndpointServiceServer
	endpoints *resource.Collection[*policyv1.Endpoint]
	policies  Policies
}

// Policies finds what may be wrong with a policy that can be stored.
type Policies interface {
	Warnings(ctx context.Context, policy string, opts ...trafficpolicy.Option) []*policyv1.PolicyProblem
}

// NewService returns the service over a collection.
func NewService(endpoints *resource.Collection[*policyv1.Endpoint], policies Policies) *Service {
	return &Service{endpoints: endpoints, policies: policies}
}

// CreateEndpoint implements policyv1.EndpointServiceServer.
func (s *Service) CreateEndpoint(ctx context.Context, req *policyv1.CreateEndpointRequest) (*policyv1.CreateEndpointResponse, error) {
	doc := proto.CloneOf(req.GetEndpoint())
	if err := check(doc); err != nil {
		return nil, err
	}
	newID := id.Endpoint.New()
	doc, meta, err := s.endpoints.Create(ctx, newID, doc)
	if err != nil {
		return nil, taken(err, doc)
	}
	return &policyv1.CreateEndpointResponse{Endpoint: s.withWarnings(ctx, Complete(newID, doc, meta))}, nil
}

// GetEndpoint implements policyv1.EndpointServiceServer.
func (s *Service) GetEndpoint(ctx context.Context, req *policyv1.GetEndpointRequest) (*policyv1.GetEndpointResponse, error) {
	doc, meta, err := s.endpoints.Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &policyv1.GetEndpointResponse{Endpoint: Complete(req.GetId(), doc, meta)}, nil
}

// ListEndpoints implements policyv1.EndpointServiceServer.
func (s *Service) ListEndpoints(ctx context.Context, req *policyv1.ListEndpointsRequest) (*policyv1.ListEndpointsResponse, error) {
	page, next, err := s.endpoints.List(ctx, int(req.GetLimit()), req.GetCursor())
	if err != nil {
		return nil, err
	}
	out := &policyv1.ListEndpointsResponse{NextCursor: next}
	for _, e := range page {
		out.Endpoints = append(out.Endpoints, Complete(e.ID, e.Doc, e.Meta))
	}
	return out, nil
}

// UpdateEndpoint implements policyv1.EndpointServiceServer.
func (s *Service) UpdateEndpoint(ctx context.Context, req *policyv1.UpdateEndpointRequest) (*policyv1.UpdateEndpointResponse, error) {
	endpointID := req.GetEndpoint().GetId()
	if endpointID == "" {
		return nil, errs.InvalidField("id", "is empty; name the endpoint to change")
	}
	doc, meta, err := s.endpoints.Update(ctx, endpointID, func(e *policyv1.Endpoint) (*policyv1.Endpoint, error) {
		old := proto.CloneOf(e)
		if err := fields.Apply(e, req.GetEndpoint(), req.GetUpdateMask()); err != nil {
			return nil, err
		}
		if !needsCheck(old, e) {
			return e, nil
		}
		return e, check(e)
	})
	if err != nil {
		return nil, taken(err, doc)
	}
	return &policyv1.UpdateEndpointResponse{Endpoint: s.withWarnings(ctx, Complete(endpointID, doc, meta))}, nil
}

func (s *Service) withWarnings(ctx context.Context, e *policyv1.Endpoint) *policyv1.Endpoint {
	e.PolicyWarnings = s.policies.Warnings(ctx, e.GetTrafficPolicy(), protocolOf(e))
	return e
}

// DeleteEndpoint implements policyv1.EndpointServiceServer.
func (s *Service) DeleteEndpoint(ctx context.Context, req *policyv1.DeleteEndpointRequest) (*policyv1.DeleteEndpointResponse, error) {
	if err := s.endpoints.Delete(ctx, req.GetId()); err != nil {
		return nil, err
	}
	return &policyv1.DeleteEndpointResponse{}, nil
}

// Complete is a stored endpoint as callers see it: with id, times, revision and
// a name. It changes doc.
func Complete(endpointID string, doc *policyv1.Endpoint, meta resource.Meta) *policyv1.Endpoint {
	doc.Id, doc.Revision = endpointID, meta.Revision
	doc.CreatedAt, doc.UpdatedAt = timestamppb.New(meta.CreatedAt), timestamppb.New(meta.UpdatedAt)
	if doc.GetName() == "" {
		if u, err := url.Parse(doc.GetUrl()); err == nil {
			doc.Name = u.Host
		}
	}
	return doc
}

// taken says which field of the request is not unique.
func taken(err error, doc *policyv1.Endpoint) error {
	if e := errs.As(err); e != nil && e.Reason == errs.ReasonAlreadyExists && len(e.Violations) == 0 {
		return e.With(errs.Violation{Field: "url", Message: "another endpoint has " + doc.GetUrl(), Hint: "change or delete the other endpoint, or use another URL"})
	}
	return err
}
