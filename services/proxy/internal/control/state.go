// Package control keeps what a proxy serves: it follows the policy service,
// compiles each revision once, and keeps the last good configuration on disk so
// that a proxy starts and serves without the control plane.
package control

import (
	"errors"
	"fmt"
	"iter"
	"strconv"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/route"
	"sluice.dev/services/proxy/internal/tap"
	"sluice.dev/services/proxy/internal/upstream"
)

// Endpoint is a published address, ready to serve.
type Endpoint struct {
	message.Endpoint
	Revision uint64
	Upstream *upstream.Upstream    // nil when the policy answers every request
	Policy   *trafficpolicy.Policy // nil when there is none
	Capture  *tap.Override         // of the capture settings; nil when there is none
	Fault    string                // why this endpoint cannot serve at all; else ""

	address     route.Address
	doc         *policyv1.Endpoint // what is served
	rejected    *policyv1.Endpoint // a newer one that cannot be; nil when there is none
	rejectedFor error
}

// newest is the last version that was published, served or not.
func (e *Endpoint) newest() *policyv1.Endpoint {
	if e.rejected != nil {
		return e.rejected
	}
	return e.doc
}

// fault is why the newest version is not served; nil when it is.
func (e *Endpoint) fault() error {
	if e.Fault != "" {
		return errors.New(e.Fault)
	}
	return e.rejectedFor
}

// State is one configuration. It is never changed: a new one takes its place.
type State struct {
	Revision  uint64
	Routes    *route.Table[*Endpoint]
	ReplayKey []byte
	Capture   *policyv1.CaptureSettings

	byID    map[string]*Endpoint
	secrets *secrets
}

// Endpoints is how many are published.
func (s *State) Endpoints() int { return len(s.byID) }

// Upstreams are those of all endpoints.
func (s *State) Upstreams() iter.Seq[*upstream.Upstream] {
	return func(yield func(*upstream.Upstream) bool) {
		for _, e := range s.byID {
			if e.Upstream != nil && !yield(e.Upstream) {
				return
			}
		}
	}
}

// compile makes doc ready to serve in place of before, which may be nil. The error
// says what is wrong with it.
func compile(doc *policyv1.Endpoint, before *Endpoint) (*Endpoint, error) {
	address, err := route.ParseURL(doc.GetUrl())
	if err != nil {
		return nil, err
	}
	e := &Endpoint{Revision: doc.GetRevision(), address: address, doc: doc, Capture: tap.NewOverride(doc.GetCapture()), Endpoint: message.Endpoint{
		ID: doc.GetId(), Name: doc.GetName(), URL: doc.GetUrl(), Scheme: address.Scheme, Host: address.Host, Port: portOf(address),
	}}
	if address.Wildcard {
		e.Host = "*." + address.Host
	}
	if e.Name == "" {
		e.Name = e.Host
	}
	if up := doc.GetUpstream(); up.GetUrl() != "" || len(up.GetTargets()) > 0 {
		var known *upstream.Upstream
		if before != nil {
			known = before.Upstream
		}
		if e.Upstream, err = upstream.Parse(e.ID, up, known); err != nil {
			return e, err
		}
	}
	if doc.GetTrafficPolicy() == "" {
		return e, nil
	}
	policy, problems := trafficpolicy.Compile(doc.GetTrafficPolicy(), trafficpolicy.ForProtocol(trafficpolicy.Protocol(address.Scheme)))
	if faults := problems.Errors(); len(faults) > 0 {
		return e, fmt.Errorf("traffic policy: %s: %s", faults[0].Path, faults[0].Message)
	}
	e.Policy = policy
	return e, nil
}

func portOf(a route.Address) int {
	port := a.Port
	if port == "" {
		port = route.DefaultPort(a.Scheme)
	}
	n, _ := strconv.Atoi(port) // net/url takes only digits as a port
	return n
}
