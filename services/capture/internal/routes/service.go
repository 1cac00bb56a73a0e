package routes

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// maxRules bounds the rules of an installation: each path is held against those of
// its endpoint.
const maxRules = 500

// Collection is the rules in Redis.
func Collection(db *redisdb.DB) *resource.Collection[*capturev1.RouteRule] {
	return resource.New(db, "route-rule", resource.Options[*capturev1.RouteRule]{
		AuditType: "route_rule",
		Unique:    func(r *capturev1.RouteRule) []string { return []string{shapeOfRule(r)} },
	})
}

// Rules answers the calls about rules.
type Rules struct {
	docs *resource.Collection[*capturev1.RouteRule]
}

// NewRules returns them.
func NewRules(db *redisdb.DB) *Rules { return &Rules{Collection(db)} }

// Create keeps a new rule. It applies to what is stored from then on.
func (s *Rules) Create(ctx context.Context, req *capturev1.CreateRouteRuleRequest) (*capturev1.CreateRouteRuleResponse, error) {
	doc := &capturev1.RouteRule{EndpointId: req.GetRule().GetEndpointId(), Template: req.GetRule().GetTemplate()}
	if _, err := parseRule(doc); err != nil {
		return nil, err
	}
	all, _, err := s.docs.All(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) >= maxRules {
		return nil, errs.New(codes.FailedPrecondition, errs.ReasonPrecondition, "there are %d route rules already, as many as there may be; delete some first", maxRules)
	}
	ruleID := id.RouteRule.New()
	doc, meta, err := s.docs.Create(ctx, ruleID, doc)
	if err != nil {
		return nil, err
	}
	return &capturev1.CreateRouteRuleResponse{Rule: show(ruleID, meta, doc)}, nil
}

// List returns all rules, oldest first.
func (s *Rules) List(ctx context.Context) (*capturev1.ListRouteRulesResponse, error) {
	all, _, err := s.docs.All(ctx)
	if err != nil {
		return nil, err
	}
	resp := &capturev1.ListRouteRulesResponse{}
	for _, e := range all {
		resp.Rules = append(resp.Rules, show(e.ID, e.Meta, e.Doc))
	}
	return resp, nil
}

// Delete removes a rule; what was stored keeps its route.
func (s *Rules) Delete(ctx context.Context, req *capturev1.DeleteRouteRuleRequest) (*capturev1.DeleteRouteRuleResponse, error) {
	return &capturev1.DeleteRouteRuleResponse{}, s.docs.Delete(ctx, req.GetId())
}

func show(ruleID string, meta resource.Meta, doc *capturev1.RouteRule) *capturev1.RouteRule {
	out := proto.CloneOf(doc)
	out.Id, out.CreatedAt = ruleID, timestamppb.New(meta.CreatedAt)
	return out
}
