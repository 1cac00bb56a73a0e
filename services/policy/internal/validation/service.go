// Package validation checks Traffic Policy documents that nobody has stored.
package validation

import (
	"context"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/trafficpolicy"
)

// Service is policyv1.TrafficPolicyServiceServer.
type Service struct {
	policyv1.UnimplementedTrafficPolicyServiceServer
}

// ValidatePolicy implements policyv1.TrafficPolicyServiceServer.
func (Service) ValidatePolicy(_ context.Context, req *policyv1.ValidatePolicyRequest) (*policyv1.ValidatePolicyResponse, error) {
	var opts []trafficpolicy.Option
	if req.GetRequireTerminating() {
		opts = append(opts, trafficpolicy.RequireTerminating())
	}
	_, problems := trafficpolicy.Compile(req.GetTrafficPolicy(), opts...)
	out := &policyv1.ValidatePolicyResponse{Valid: len(problems.Errors()) == 0}
	for _, p := range problems {
		out.Problems = append(out.Problems, &policyv1.PolicyProblem{
			Severity: severity(p.Severity), Path: p.Path, Line: int32(p.Line), Column: int32(p.Column),
			Code: string(p.Code), Message: p.Message, Hint: p.Hint,
		})
	}
	return out, nil
}

func severity(s trafficpolicy.Severity) policyv1.PolicyProblem_Severity {
	if s == trafficpolicy.Warning {
		return policyv1.PolicyProblem_SEVERITY_WARNING
	}
	return policyv1.PolicyProblem_SEVERITY_ERROR
}
