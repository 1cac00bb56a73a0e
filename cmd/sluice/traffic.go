package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/cmd/sluice/internal/client"
	"sluice.dev/cmd/sluice/internal/terminal"
)

type trafficCmd struct {
	List   trafficListCmd   `cmd:"" default:"withargs" help:"List recorded exchanges, oldest first; follow them with -f."`
	Show   trafficShowCmd   `cmd:"" help:"Show one exchange, whole."`
	Export trafficExportCmd `cmd:"" help:"Write all matching exchanges to a file: HTTP Archive, JSON lines, CSV or Parquet."`
}

type trafficListCmd struct {
	client.Flags
	Filter string        `arg:"" optional:"" help:"Search, such as '@http.status_code:5xx method:POST'."`
	Follow bool          `short:"f" help:"Go on with exchanges as they are recorded."`
	Since  time.Duration `help:"How far to look back." default:"1h"`
	Limit  int32         `short:"n" help:"At most this many, 1 to 1000." default:"50"`
	JSON   bool          `help:"One JSON object a line."`
}

// Run lists, then follows.
func (c *trafficListCmd) Run(ctx context.Context, conn *client.Client) error {
	out := c.printer()
	var tail capturev1.CaptureService_TailExchangesClient
	if c.Follow { // opened before the list is read, so that nothing falls between
		var err error
		if tail, err = conn.Capture.TailExchanges(ctx, &capturev1.TailExchangesRequest{Filter: c.Filter}); err != nil {
			return err
		}
	}
	now := time.Now()
	page, err := conn.Capture.ListExchanges(ctx, &capturev1.ListExchangesRequest{
		Filter: c.Filter, StartTime: timestamppb.New(now.Add(-c.Since)), Limit: c.Limit,
	})
	if err != nil {
		return err
	}
	shown := map[string]bool{}
	for _, e := range slices.Backward(page.GetExchanges()) {
		shown[e.GetId()] = true
		if err := out(e); err != nil {
			return err
		}
	}
	if !c.Follow {
		return nil
	}
	return followTail(ctx, tail, func(e *capturev1.Exchange) error {
		if shown[e.GetId()] {
			return nil
		}
		return out(e)
	})
}

func (c *trafficListCmd) printer() func(*capturev1.Exchange) error {
	if c.JSON {
		return printJSON
	}
	p := terminal.NewPrinter(os.Stdout)
	p.Header()
	return func(e *capturev1.Exchange) error { p.Exchange(e); return nil }
}

// followTail calls each until ctx ends.
func followTail(ctx context.Context, tail capturev1.CaptureService_TailExchangesClient, each func(*capturev1.Exchange) error) error {
	for {
		msg, err := tail.Recv()
		switch {
		case ctx.Err() != nil, errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := each(msg.GetExchange()); err != nil {
			return err
		}
	}
}

func printJSON[T proto.Message](m T) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(raw))
	return err
}

type trafficShowCmd struct {
	client.Flags
	ID   string `arg:"" help:"Exchange, such as ex_01J…"`
	JSON bool   `help:"As JSON, bodies in base64."`
}

// Run shows the exchange.
func (c *trafficShowCmd) Run(ctx context.Context, conn *client.Client) error {
	got, err := conn.Capture.GetExchange(ctx, &capturev1.GetExchangeRequest{Id: c.ID})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(got.GetExchange())
	}
	terminal.NewPrinter(os.Stdout).Detail(got.GetExchange())
	return nil
}
