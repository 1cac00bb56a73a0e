package main

import (
	"fmt"
	"strings"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// upstreamFlags say what stands behind an endpoint. What they cannot say, a manifest
// can.
type upstreamFlags struct {
	Upstream      []string `arg:"" help:"Your API: a URL, host:port or port. Several share the requests."`
	Weights       []uint32 `name:"upstream-weight" help:"Share of each upstream, in their order, such as 3,1."`
	Balancing     string   `name:"upstream-balancing" help:"How an upstream is chosen: round_robin, least_requests (of two the one with fewer requests in flight) or client_address (the same for the same client)." enum:"round_robin,least_requests,client_address" default:"round_robin"`
	Protocol      string   `name:"upstream-protocol" help:"http1, http2 (over http with prior knowledge, as gRPC servers want it) or auto: HTTP/1.1 over http, over https what TLS negotiates." enum:"auto,http1,http2" default:"auto"`
	HealthCheck   string   `name:"upstream-health-check" help:"Path, such as /healthz, that is asked every 10 seconds: an upstream that fails it gets no requests while others do not." placeholder:"PATH"`
	Outliers      bool     `name:"upstream-outlier-detection" help:"Leave out an upstream for a while that fails five requests in a row."`
	Retries       uint32   `name:"upstream-retries" help:"Tries after the first, for requests that may be repeated, when an upstream fails; up to 10."`
	MaxRequests   uint32   `name:"upstream-max-requests" help:"Requests in flight to one upstream at most; 0: no limit."`
	TLSSkipVerify bool     `name:"upstream-tls-skip-verify" help:"Do not verify an https upstream's certificate."`
}

// upstream is what the flags say.
func (f *upstreamFlags) upstream() (*policyv1.Upstream, error) {
	if len(f.Weights) > 0 && len(f.Weights) != len(f.Upstream) {
		return nil, fmt.Errorf("--upstream-weight names %d shares for %d upstreams; name one for each", len(f.Weights), len(f.Upstream))
	}
	u := &policyv1.Upstream{
		TlsSkipVerify: f.TLSSkipVerify, MaxRequests: f.MaxRequests,
		Balancing: policyv1.Balancing(policyv1.Balancing_value["BALANCING_"+strings.ToUpper(f.Balancing)]),
		Protocol:  policyv1.UpstreamProtocol(policyv1.UpstreamProtocol_value["UPSTREAM_PROTOCOL_"+strings.ToUpper(f.Protocol)]), // 0 for auto
	}
	if len(f.Upstream) == 1 {
		u.Url = f.Upstream[0]
	} else {
		for i, url := range f.Upstream {
			t := &policyv1.UpstreamTarget{Url: url}
			if len(f.Weights) > 0 {
				t.Weight = f.Weights[i]
			}
			u.Targets = append(u.Targets, t)
		}
	}
	if f.HealthCheck != "" {
		u.HealthCheck = &policyv1.HealthCheck{Path: f.HealthCheck}
	}
	if f.Outliers {
		u.OutlierDetection = &policyv1.OutlierDetection{}
	}
	if f.Retries > 0 {
		u.Retry = &policyv1.RetryPolicy{Attempts: f.Retries}
	}
	return u, nil
}

// targetsOf are the URLs of u in one line.
func targetsOf(u *policyv1.Upstream) string {
	urls := make([]string, 0, 1+len(u.GetTargets()))
	if u.GetUrl() != "" {
		urls = append(urls, u.GetUrl())
	}
	for _, t := range u.GetTargets() {
		urls = append(urls, t.GetUrl())
	}
	return strings.Join(urls, ", ")
}
