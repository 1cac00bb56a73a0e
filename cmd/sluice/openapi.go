package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/cmd/sluice/internal/client"
	"sluice.dev/cmd/sluice/internal/terminal"
)

type openapiCmd struct {
	Show  openapiShowCmd  `cmd:"" help:"Describe an endpoint's traffic as an OpenAPI 3.1 document."`
	Check openapiCheckCmd `cmd:"" help:"Compare an endpoint's traffic with an OpenAPI document. The exit status is 1 when they differ."`
}

// observed says which traffic is looked at.
type observed struct {
	Endpoint string        `arg:"" help:"Endpoint: its id, URL or name."`
	Since    time.Duration `help:"How far to look back." default:"24h"`
	Sample   int32         `help:"At most this many exchanges, the newest; 1 to 100000." default:"10000"`
}

func (o observed) start() *timestamppb.Timestamp { return timestamppb.New(time.Now().Add(-o.Since)) }

// id finds the endpoint.
func (o observed) id(ctx context.Context, conn *client.Client) (string, error) {
	if strings.HasPrefix(o.Endpoint, "ep_") {
		return o.Endpoint, nil
	}
	for cursor := ""; ; {
		page, err := conn.Endpoints.ListEndpoints(ctx, &policyv1.ListEndpointsRequest{Limit: 1000, Cursor: cursor})
		if err != nil {
			return "", err
		}
		for _, e := range page.GetEndpoints() {
			if e.GetUrl() == o.Endpoint || e.GetName() == o.Endpoint {
				return e.GetId(), nil
			}
		}
		if cursor = page.GetNextCursor(); cursor == "" {
			return "", fmt.Errorf("no endpoint has the id, URL or name %q", o.Endpoint)
		}
	}
}

type openapiShowCmd struct {
	client.Flags
	observed
	Output string `short:"o" help:"File to write; - for the standard output." default:"-"`
}

// Run writes the document.
func (c *openapiShowCmd) Run(ctx context.Context, conn *client.Client) error {
	id, err := c.id(ctx, conn)
	if err != nil {
		return err
	}
	got, err := conn.Routes.GetOpenApi(ctx, &capturev1.GetOpenApiRequest{EndpointId: id, StartTime: c.start(), Sample: c.Sample})
	if err != nil {
		return err
	}
	if c.Output == "-" {
		fmt.Println(got.GetDocument())
		return nil
	}
	return writeWhole(c.Output, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, got.GetDocument())
		return err
	})
}

type openapiCheckCmd struct {
	client.Flags
	observed
	Document string `arg:"" help:"OpenAPI 3.0 or 3.1 document, JSON or YAML." type:"existingfile"`
	JSON     bool   `help:"One JSON object a line."`
}

// Run lists the differences. Operations that nobody used are told, and are none.
func (c *openapiCheckCmd) Run(ctx context.Context, conn *client.Client) error {
	document, err := os.ReadFile(c.Document)
	if err != nil {
		return err
	}
	id, err := c.id(ctx, conn)
	if err != nil {
		return err
	}
	got, err := conn.Routes.ValidateOpenApi(ctx, &capturev1.ValidateOpenApiRequest{EndpointId: id, Document: string(document), StartTime: c.start(), Sample: c.Sample})
	if err != nil {
		return err
	}
	if err := c.print(got); err != nil {
		return err
	}
	if n := differences(got.GetDrifts()); n > 0 {
		return fmt.Errorf("%d differences from %s in %d exchanges", n, c.Document, got.GetExchanges())
	}
	return nil
}

func differences(drifts []*capturev1.ValidateOpenApiResponse_Drift) (n int) {
	for _, d := range drifts {
		if d.GetKind() != capturev1.ValidateOpenApiResponse_Drift_KIND_UNUSED_OPERATION {
			n++
		}
	}
	return n
}

func (c *openapiCheckCmd) print(got *capturev1.ValidateOpenApiResponse) error {
	if c.JSON {
		for _, d := range got.GetDrifts() {
			if err := printJSON(d); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COUNT\tKIND\tMETHOD\tPATH\tEXAMPLE\tWHAT DIFFERS")
	for _, d := range got.GetDrifts() {
		kind := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(d.GetKind().String(), "KIND_"), "_", " "))
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", d.GetCount(), kind, terminal.Clean(d.GetMethod()), terminal.Clean(d.GetPath()), d.GetExampleId(), terminal.Clean(d.GetMessage()))
	}
	return w.Flush()
}
