package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"google.golang.org/protobuf/proto"

	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"

	"sluice.dev/platform/errs"

	"sluice.dev/cmd/sluice/internal/client"
	"sluice.dev/cmd/sluice/internal/terminal"
)

type replayCmd struct {
	client.Flags
	ID           string   `arg:"" help:"Exchange to send again, such as ex_01J…"`
	Method       string   `short:"X" help:"Another method."`
	Path         string   `help:"Another path with query."`
	Header       []string `short:"H" help:"Header to set, 'Name: value'. May be repeated." sep:"none"`
	RemoveHeader []string `help:"Header to leave out. May be repeated."`
	Data         *string  `short:"d" help:"Another body; @FILE reads a file."`
	JSON         bool     `help:"Print the answer as JSON."`
}

// Run sends the request again and tells what came back.
func (c *replayCmd) Run(ctx context.Context, conn *client.Client) error {
	req, err := c.request()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, replayDeadline)
	defer cancel()
	res, err := conn.Replay.ReplayExchange(ctx, req)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(res)
	}
	c.print(res)
	return nil
}

func (c *replayCmd) request() (*replayv1.ReplayExchangeRequest, error) {
	req := &replayv1.ReplayExchangeRequest{Id: c.ID, RemoveHeaders: c.RemoveHeader}
	if c.Method != "" {
		req.Method = proto.String(c.Method)
	}
	if c.Path != "" {
		req.Path = proto.String(c.Path)
	}
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, errs.InvalidField("--header", "%q has no colon; write 'Name: value'", h)
		}
		req.SetHeaders = append(req.SetHeaders, &replayv1.HeaderChange{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	if c.Data == nil {
		return req, nil
	}
	req.Body = []byte(*c.Data)
	if file, ok := strings.CutPrefix(*c.Data, "@"); ok {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		req.Body = body
	}
	return req, nil
}

func (c *replayCmd) print(res *replayv1.ReplayExchangeResponse) {
	fmt.Printf("%d in %s as %s\n", res.GetStatusCode(), terminal.Duration(res.GetDuration().AsDuration()), res.GetExchangeId())
	for _, h := range res.GetOmittedHeaders() {
		fmt.Printf("  left out %s: its value was redacted when it was recorded; set it with -H\n", terminal.Clean(h))
	}
	for _, d := range res.GetDifferences() {
		fmt.Printf("  %s: %s -> %s\n", terminal.Clean(d.GetField()), terminal.Clean(d.GetBefore()), terminal.Clean(d.GetAfter()))
	}
}
