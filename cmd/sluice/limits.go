package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/cmd/sluice/internal/client"
	"sluice.dev/cmd/sluice/internal/terminal"
)

type limitsCmd struct {
	client.Flags
	Endpoint string `arg:"" optional:"" help:"Endpoint, such as ep_01J…; all when left out."`
	Limit    int32  `short:"n" help:"At most this many, 1 to 1000." default:"100"`
	JSON     bool   `help:"One JSON object a line."`
}

// Run lists the buckets.
func (c *limitsCmd) Run(ctx context.Context, conn *client.Client) error {
	page, err := conn.RateLimits.ListRateLimitBuckets(ctx, &policyv1.ListRateLimitBucketsRequest{EndpointId: c.Endpoint, Limit: c.Limit})
	if err != nil {
		return err
	}
	if c.JSON {
		for _, b := range page.GetBuckets() {
			if err := printJSON(b); err != nil {
				return err
			}
		}
		return nil
	}
	if err := printBuckets(page.GetBuckets(), time.Now()); err != nil {
		return err
	}
	if page.GetMore() {
		fmt.Fprintf(os.Stderr, "There are more; these are the %d fullest.\n", len(page.GetBuckets()))
	}
	return nil
}

func printBuckets(buckets []*policyv1.RateLimitBucket, now time.Time) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENDPOINT\tRULE\tBUCKET\tCOUNT\tLIMIT\tLEFT\tNEXT FREE\tEMPTY")
	for _, b := range buckets {
		in := func(at time.Time) string { return max(0, at.Sub(now)).Round(time.Second).String() }
		next := "now"
		if b.GetRemaining() == 0 {
			next = in(b.GetNextFreeAt().AsTime())
		}
		fmt.Fprintf(w, "%s\t%q\t%s\t%d\t%d/%s\t%d\t%s\t%s\n", b.GetEndpointId(), b.GetName(), terminal.Clean(b.GetBucketKey()), b.GetCount(),
			b.GetCapacity(), b.GetRate().AsDuration(), b.GetRemaining(), next, in(b.GetResetAt().AsTime()))
	}
	return w.Flush()
}
