package peer

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/bench/internal/load"
	"sluice.dev/platform/child"
)

// mode is what Sluice does with the requests of a run.
type mode struct {
	host    string
	policy  string
	capture policyv1.CaptureMode
}

var bare = mode{host: "bare.test", capture: policyv1.CaptureMode_CAPTURE_MODE_METADATA}

// full has a rule whose expression is evaluated for each request and a limit that
// all proxies share.
var full = mode{host: "full.test", capture: policyv1.CaptureMode_CAPTURE_MODE_FULL, policy: `on_http_request:
  - name: read-only
    expressions: ["req.method in ['PUT', 'DELETE'] && !req.url.path.startsWith('/api/drafts/')"]
    actions:
      - type: deny
        config: {status_code: 405}
  - name: limit
    actions:
      - type: rate-limit
        config: {name: per-client, algorithm: sliding_window, capacity: 100000000, rate: 60s, bucket_key: [conn.client_ip]}
`}

// sluice is a peer in a mode. Modes share one Sluice, which runs in one of them at
// a time.
func sluice(m mode) func(context.Context, *Lab, *Peer) error {
	return func(ctx context.Context, l *Lab, p *Peer) error {
		if l.system == nil {
			s, err := l.startSystem(ctx)
			if err != nil {
				return err
			}
			l.system = s
		}
		s := l.system
		_, err := s.endpoints.CreateEndpoint(ctx, &policyv1.CreateEndpointRequest{Endpoint: &policyv1.Endpoint{
			Url: "http://" + m.host, TrafficPolicy: m.policy, Upstream: &policyv1.Upstream{Url: "http://" + l.Upstream.String()},
		}})
		if err != nil {
			return fmt.Errorf("publish %s: %w", m.host, err)
		}
		p.Address, p.Host, p.processes = s.address, m.host, s.processes
		p.paused = []*child.Process{s.engine}
		p.prepare = func(ctx context.Context) error { return s.prepare(ctx, m) }
		p.settle = func(ctx context.Context) error { return s.settle(ctx) }
		p.facts = func(ctx context.Context) (map[string]float64, error) { return s.exchanges(ctx) }
		return p.Prepare(ctx)
	}
}

// prepare has the settings of a mode put in force, and waits until they are.
func (s *system) prepare(ctx context.Context, m mode) error {
	_, err := s.settings.UpdateCaptureSettings(ctx, &policyv1.UpdateCaptureSettingsRequest{
		Settings: &policyv1.CaptureSettings{Mode: m.capture}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"mode"}},
	})
	if err != nil {
		return fmt.Errorf("capture settings: %w", err)
	}
	if err := until(nil, m.host+" answers", func() error { return ask(s, m) }); err != nil {
		return err
	}
	return s.settle(ctx)
}

// ask sends enough requests that a rate limit is leased.
func ask(s *system, m mode) error {
	g, err := load.Connect(s.address, m.host, "/api/items/1", 8)
	if err != nil {
		return err
	}
	defer g.Close()
	_, err = g.Saturate(100 * time.Millisecond)
	return err
}

// settle waits until all records are stored, so that their cost is counted.
func (s *system) settle(ctx context.Context) error {
	return until(nil, "all exchanges are stored", func() error {
		counts, err := s.exchanges(ctx)
		if err == nil && counts["pending"] > 0 {
			err = fmt.Errorf("%v exchanges wait", counts["pending"])
		}
		return err
	})
}
