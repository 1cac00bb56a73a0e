package endpoint

import (
	"strings"

	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/policy/internal/settings"
)

// check normalises e in place and tells everything that is wrong with it.
// Fields that the server sets are cleared: the store has them.
func check(e *policyv1.Endpoint) error {
	var faults []error
	var err error
	if e.Url, err = publicURL(e.GetUrl()); err != nil {
		faults = append(faults, err)
	}
	if proto.Size(e.GetUpstream()) == 0 {
		e.Upstream = nil // nothing is said of it
	}
	if e.Upstream != nil {
		faults = append(faults, checkUpstream(e.Upstream)...)
	}
	if err := checkPolicy(e); err != nil {
		faults = append(faults, err)
	}
	for _, v := range settings.CheckKeep("capture.keep", e.GetCapture().GetKeep()) {
		faults = append(faults, errs.Invalid("%s: %s", v.Field, v.Message).With(v))
	}
	if proto.Size(e.GetCapture()) == 0 {
		e.Capture = nil // it says nothing
	}
	e.Id, e.CreatedAt, e.UpdatedAt, e.Revision, e.PolicyWarnings = "", nil, nil, 0, nil
	return merge(faults)
}

// checkPolicy compiles the policy; without an upstream it must end every request
// itself.
func checkPolicy(e *policyv1.Endpoint) error {
	hasUpstream := e.Upstream != nil
	if strings.TrimSpace(e.GetTrafficPolicy()) == "" {
		if hasUpstream {
			return nil
		}
		err := errs.InvalidField("traffic_policy", "the endpoint has no upstream, so it needs a policy that answers every request")
		err.Violations[0].Code = string(trafficpolicy.CodeTermination)
		err.Violations[0].Hint = "set upstream.url or upstream.targets, or write a policy that ends with custom-response, deny or another action that always answers"
		return err
	}
	opts := []trafficpolicy.Option{protocolOf(e)}
	if !hasUpstream {
		opts = append(opts, trafficpolicy.RequireTerminating())
	}
	_, problems := trafficpolicy.Compile(e.GetTrafficPolicy(), opts...)
	return problems.Err()
}

func protocolOf(e *policyv1.Endpoint) trafficpolicy.Option {
	if strings.HasPrefix(e.GetUrl(), "http://") {
		return trafficpolicy.ForProtocol(trafficpolicy.HTTP)
	}
	return trafficpolicy.ForProtocol(trafficpolicy.HTTPS)
}

// merge makes one error of several, with the violations of all.
func merge(faults []error) error {
	if len(faults) == 0 {
		return nil
	}
	first := errs.As(faults[0])
	if first == nil || len(faults) == 1 {
		return faults[0]
	}
	for _, fault := range faults[1:] {
		if e := errs.As(fault); e != nil {
			first = first.With(e.Violations...)
		}
	}
	return first
}

// needsCheck reports whether an update touched what check looks at, so that an
// endpoint whose policy was right when it was stored can still be renamed.
func needsCheck(old, changed *policyv1.Endpoint) bool {
	return old.GetUrl() != changed.GetUrl() || old.GetTrafficPolicy() != changed.GetTrafficPolicy() ||
		!proto.Equal(old.GetUpstream(), changed.GetUpstream()) || !proto.Equal(old.GetCapture(), changed.GetCapture())
}
