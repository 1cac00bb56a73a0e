package api

import (
	"strings"

	"google.golang.org/grpc/codes"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
)

// Caller is who makes a call.
type Caller struct {
	// Principal is the id of an API key, or "local" when none was needed.
	Principal string
	Scope     policyv1.Scope
}

// Local is a caller on a listener that needs no key.
var Local = Caller{Principal: "local", Scope: policyv1.Scope_SCOPE_ADMIN}

// Allow refuses a call that the caller's scope does not include.
func (m Method) Allow(c Caller) error {
	if c.Scope >= m.Scope {
		return nil
	}
	return errs.New(codes.PermissionDenied, errs.ReasonScope, "%s needs an API key with scope %s; this one has scope %s",
		m.Desc.Name(), scopeName(m.Scope), scopeName(c.Scope))
}

func scopeName(s policyv1.Scope) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "SCOPE_"))
}
