package upstream

import (
	"fmt"
	"slices"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/services/proxy/internal/http1/transport"
)

// Upstream is what stands behind one endpoint: its targets and how they are called.
// It is not changed; what is known of its targets, such as their health, goes on in
// the one that takes its place.
type Upstream struct {
	endpoint    string // id
	members     []*member
	weights     []int
	balancer    balancer // nil with one member
	http2       bool     // only
	http1       bool     // only
	timeouts    transport.Timeouts
	maxRequests int64 // in flight per member; 0: no limit
	counted     bool  // requests in flight are counted
	check       *check
	outliers    *outliers
	retry       *retry
}

// Parse makes an endpoint's upstream of its configuration. before is the one whose
// place it takes; nil when there is none.
func Parse(endpointID string, doc *policyv1.Upstream, before *Upstream) (*Upstream, error) {
	u := &Upstream{
		endpoint:    endpointID,
		http1:       doc.GetProtocol() == policyv1.UpstreamProtocol_UPSTREAM_PROTOCOL_HTTP1,
		http2:       doc.GetProtocol() == policyv1.UpstreamProtocol_UPSTREAM_PROTOCOL_HTTP2,
		maxRequests: int64(doc.GetMaxRequests()),
		timeouts: transport.Timeouts{
			Connect: doc.GetTimeouts().GetConnect().AsDuration(), FirstByte: doc.GetTimeouts().GetFirstByte().AsDuration(), Pause: doc.GetTimeouts().GetIdle().AsDuration(),
		},
	}
	targets := doc.GetTargets()
	if doc.GetUrl() != "" {
		targets = append([]*policyv1.UpstreamTarget{{Url: doc.GetUrl()}}, targets...)
	}
	if len(targets) == 0 || len(targets) > maxMembers {
		return nil, fmt.Errorf("an upstream has 1 to %d targets; this one has %d", maxMembers, len(targets))
	}
	for _, t := range targets {
		if err := u.add(t, doc.GetTlsSkipVerify(), before); err != nil {
			return nil, err
		}
	}
	return u, u.parseRules(doc, before)
}

// add makes one more target a member, with what before knows of it.
func (u *Upstream) add(t *policyv1.UpstreamTarget, skipVerify bool, before *Upstream) error {
	target, err := ParseTarget(t.GetUrl(), skipVerify)
	if err != nil {
		return err
	}
	if u.find(target) != nil {
		return fmt.Errorf("the target %s is there twice", target)
	}
	m := before.find(target)
	if m == nil {
		m = newMember(target)
	}
	u.members = append(u.members, m)
	u.weights = append(u.weights, max(1, int(t.GetWeight())))
	return nil
}

// find is u's member that is called as t is; nil when there is none, also of nil.
func (u *Upstream) find(t *Target) *member {
	if u == nil {
		return nil
	}
	if i := slices.IndexFunc(u.members, func(m *member) bool { return *m.Target == *t }); i >= 0 {
		return u.members[i]
	}
	return nil
}

func (u *Upstream) parseRules(doc *policyv1.Upstream, before *Upstream) (err error) {
	if len(u.members) > 1 {
		u.balancer = newBalancer(doc.GetBalancing(), u)
	}
	u.counted = u.maxRequests > 0 || u.balancer != nil && doc.GetBalancing() == policyv1.Balancing_BALANCING_LEAST_REQUESTS
	if u.outliers = newOutliers(doc.GetOutlierDetection()); u.outliers != nil && before != nil && before.outliers != nil {
		u.outliers.mu = before.outliers.mu
	}
	if u.retry = newRetry(doc.GetRetry()); u.retry != nil && before != nil && before.retry != nil {
		u.retry.budget = before.retry.budget
	}
	u.check, err = newCheck(doc.GetHealthCheck())
	return err
}

// Targets are those that share the requests.
func (u *Upstream) Targets() []*Target {
	out := make([]*Target, len(u.members))
	for i, m := range u.members {
		out[i] = m.Target
	}
	return out
}

// available reports whether the i-th member gets requests while others do, too.
func (u *Upstream) available(i int, now time.Time) bool {
	m := u.members[i]
	return !(u.check != nil && m.unhealthy.Load()) && !(u.outliers != nil && m.ejected(now))
}
