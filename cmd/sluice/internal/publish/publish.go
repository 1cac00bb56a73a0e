// Package publish keeps one endpoint published for as long as a command runs: it
// creates it, follows changes of its policy file and takes it away at the end.
package publish

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
)

// Marker stands in the metadata of endpoints that live only as long as the
// command that published them; one left behind by a killed command is taken over.
const Marker = "published by sluice http"

// poll is how often the policy file is looked at.
const poll = 500 * time.Millisecond

// goodbye bounds the deletion at the end.
const goodbye = 5 * time.Second

// Publisher publishes one endpoint.
type Publisher struct {
	Client     policyv1.EndpointServiceClient
	PolicyFile string // empty: no policy
	Changed    func() // called after the policy file was applied
	Refused    func(error)
}

// Publish creates e, with the policy of the file, and returns it as stored.
func (p *Publisher) Publish(ctx context.Context, e *policyv1.Endpoint) (*policyv1.Endpoint, error) {
	policy, err := p.readPolicy()
	if err != nil {
		return nil, err
	}
	e.TrafficPolicy, e.Metadata = policy, Marker
	res, err := p.Client.CreateEndpoint(ctx, &policyv1.CreateEndpointRequest{Endpoint: e})
	if errs.Is(err, errs.ReasonAlreadyExists) {
		return p.takeOver(ctx, e, err)
	}
	return res.GetEndpoint(), err
}

// takeOver updates an endpoint that an earlier run left behind; refused when
// somebody else's has the URL.
func (p *Publisher) takeOver(ctx context.Context, e *policyv1.Endpoint, refused error) (*policyv1.Endpoint, error) {
	for cursor := ""; ; {
		page, err := p.Client.ListEndpoints(ctx, &policyv1.ListEndpointsRequest{Limit: 1000, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, old := range page.GetEndpoints() {
			if old.GetMetadata() == Marker && sameURL(old.GetUrl(), e.GetUrl()) {
				e.Id = old.GetId()
				mask := &fieldmaskpb.FieldMask{Paths: []string{"name", "description", "upstream", "traffic_policy"}}
				res, err := p.Client.UpdateEndpoint(ctx, &policyv1.UpdateEndpointRequest{Endpoint: e, UpdateMask: mask})
				return res.GetEndpoint(), err
			}
		}
		if cursor = page.GetNextCursor(); cursor == "" {
			return nil, refused
		}
	}
}

// sameURL compares as the server normalises: scheme https when absent, case.
func sameURL(stored, asked string) bool {
	if !strings.Contains(asked, "://") {
		asked = "https://" + asked
	}
	return strings.EqualFold(stored, strings.TrimSuffix(asked, "/"))
}

// Follow applies each change of the policy file until ctx ends. A wrong policy is
// reported and the one in force stays.
func (p *Publisher) Follow(ctx context.Context, id string) error {
	if p.PolicyFile == "" {
		<-ctx.Done()
		return nil
	}
	last, _ := p.readPolicy() // published a moment ago
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		policy, err := p.readPolicy()
		if err != nil || policy == last {
			continue // an editor may be writing it just now
		}
		last = policy
		p.apply(ctx, id, policy)
	}
}

func (p *Publisher) apply(ctx context.Context, id, policy string) {
	_, err := p.Client.UpdateEndpoint(ctx, &policyv1.UpdateEndpointRequest{
		Endpoint:   &policyv1.Endpoint{Id: id, TrafficPolicy: policy},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"traffic_policy"}},
	})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.Refused(err)
	default:
		p.Changed()
	}
}

// Unpublish deletes the endpoint, also when ctx has ended.
func (p *Publisher) Unpublish(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	_, err := p.Client.DeleteEndpoint(ctx, &policyv1.DeleteEndpointRequest{Id: id})
	return err
}

func (p *Publisher) readPolicy() (string, error) {
	if p.PolicyFile == "" {
		return "", nil
	}
	raw, err := os.ReadFile(p.PolicyFile)
	if err != nil {
		return "", fmt.Errorf("read the policy: %w", err)
	}
	return string(raw), nil
}
