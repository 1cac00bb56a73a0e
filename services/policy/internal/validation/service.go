// Package validation checks Traffic Policy documents that nobody has stored, and
// finds what may be wrong with those that can be.
package validation

import (
	"context"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/trafficpolicy"
)

// Service is policyv1.TrafficPolicyServiceServer.
type Service struct {
	policyv1.UnimplementedTrafficPolicyServiceServer
	secrets Secrets
}

// NewService returns the service.
func NewService(secrets Secrets) *Service { return &Service{secrets: secrets} }

// ValidatePolicy implements policyv1.TrafficPolicyServiceServer.
func (s *Service) ValidatePolicy(ctx context.Context, req *policyv1.ValidatePolicyRequest) (*policyv1.ValidatePolicyResponse, error) {
	var opts []trafficpolicy.Option
	if req.GetRequireTerminating() {
		opts = append(opts, trafficpolicy.RequireTerminating())
	}
	_, problems := trafficpolicy.Compile(req.GetTrafficPolicy(), opts...)
	out := &policyv1.ValidatePolicyResponse{Valid: len(problems.Errors()) == 0, Problems: asProto(problems)}
	if out.Valid {
		out.Problems = append(out.Problems, s.missingSecrets(ctx, req.GetTrafficPolicy())...)
	}
	return out, nil
}

// Warnings are the problems of a policy that do not keep it from being stored.
func (s *Service) Warnings(ctx context.Context, policy string, opts ...trafficpolicy.Option) []*policyv1.PolicyProblem {
	if policy == "" {
		return nil
	}
	_, problems := trafficpolicy.Compile(policy, opts...)
	var warnings trafficpolicy.Problems
	for _, p := range problems {
		if p.Severity == trafficpolicy.Warning {
			warnings = append(warnings, p)
		}
	}
	return append(asProto(warnings), s.missingSecrets(ctx, policy)...)
}

func asProto(problems trafficpolicy.Problems) []*policyv1.PolicyProblem {
	var out []*policyv1.PolicyProblem
	for _, p := range problems {
		out = append(out, &policyv1.PolicyProblem{
			Severity: severity(p.Severity), Path: p.Path, Line: int32(p.Line), Column: int32(p.Column), // #nosec G115 -- within a document
			Code: string(p.Code), Message: p.Message, Hint: p.Hint,
		})
	}
	return out
}

func severity(s trafficpolicy.Severity) policyv1.PolicyProblem_Severity {
	if s == trafficpolicy.Warning {
		return policyv1.PolicyProblem_SEVERITY_WARNING
	}
	return policyv1.PolicyProblem_SEVERITY_ERROR
}
