package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/cmd/sluice/internal/client"
	"sluice.dev/cmd/sluice/internal/publish"
	"sluice.dev/cmd/sluice/internal/terminal"
)

// retail is the pause before the live list is asked for again.
const retail = time.Second

type httpCmd struct {
	client.Flags
	upstreamFlags
	URL               string `help:"Public URL, such as https://demo.localhost:8443." required:""`
	TrafficPolicyFile string `help:"Traffic Policy, YAML or JSON. Changes of the file take effect at once." type:"existingfile"`
	Name              string `help:"Name of the endpoint."`
	Description       string `help:"What it is for."`
}

// Run publishes until interrupted and shows requests as they come.
func (c *httpCmd) Run(ctx context.Context, conn *client.Client) error {
	upstream, err := c.upstream()
	if err != nil {
		return err
	}
	pub := &publish.Publisher{
		Client: conn.Endpoints, PolicyFile: c.TrafficPolicyFile,
		Changed: func() { fmt.Printf("-- %s is in force\n", c.TrafficPolicyFile) },
		Refused: func(err error) {
			fmt.Fprintf(os.Stderr, "-- the policy was refused; the one before stays in force\n%s\n", terminal.Error(err, c.TrafficPolicyFile))
		},
	}
	e, err := pub.Publish(ctx, &policyv1.Endpoint{
		Url: c.URL, Name: c.Name, Description: c.Description,
		Upstream: upstream,
	})
	if err != nil {
		return errors.New(terminal.Error(err, c.TrafficPolicyFile))
	}
	fmt.Printf("Forwarding  %s -> %s\nEndpoint    %s\nStop with Ctrl-C.\n\n", e.GetUrl(), targetsOf(e.GetUpstream()), e.GetId())
	group, live := errgroup.WithContext(ctx)
	group.Go(func() error { return pub.Follow(live, e.GetId()) })
	group.Go(func() error { return c.show(live, conn, e.GetId()) })
	err = group.Wait()
	return errors.Join(err, pub.Unpublish(ctx, e.GetId()))
}

// show prints the endpoint's exchanges. The endpoint goes on when capture does
// not: the list is asked for again.
func (c *httpCmd) show(ctx context.Context, conn *client.Client, id string) error {
	p := terminal.NewPrinter(os.Stdout)
	p.Header()
	req := &capturev1.TailExchangesRequest{}
	for ctx.Err() == nil {
		tail, err := conn.Capture.TailExchanges(ctx, req)
		for err == nil {
			var msg *capturev1.TailExchangesResponse
			if msg, err = tail.Recv(); err == nil {
				req.Position = msg.GetPosition()
				if msg.GetExchange().GetEndpointId() == id {
					p.Exchange(msg.GetExchange())
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(retail):
		}
	}
	return nil
}
