package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/cmd/sluice/internal/client"
)

type trafficExportCmd struct {
	client.Flags
	Filter string        `arg:"" optional:"" help:"Search, such as '@http.status_code:5xx method:POST'."`
	Format string        `help:"har, ndjson, csv or parquet; by default what the file's name ends with." enum:"har,ndjson,csv,parquet," default:""`
	Output string        `short:"o" help:"File to write; - for the standard output." default:"-"`
	Since  time.Duration `help:"How far to look back." default:"1h"`
	Limit  uint64        `short:"n" help:"At most this many exchanges, the oldest; 0 for all." default:"0"`
	Bodies bool          `help:"With the bodies that were recorded (not in csv)." default:"true" negatable:""`
}

// Run writes the file. One that broke off is not left behind.
func (c *trafficExportCmd) Run(ctx context.Context, conn *client.Client) error {
	format, err := c.format()
	if err != nil {
		return err
	}
	stream, err := conn.Capture.GetExport(ctx, &capturev1.GetExportRequest{
		Filter: c.Filter, StartTime: timestamppb.New(time.Now().Add(-c.Since)), Format: format, Limit: c.Limit, IncludeBodies: c.Bodies,
	})
	if err != nil {
		return err
	}
	if c.Output == "-" {
		return c.receive(stream, os.Stdout)
	}
	return writeWhole(c.Output, func(w io.Writer) error { return c.receive(stream, w) })
}

func (c *trafficExportCmd) format() (capturev1.ExportFormat, error) {
	name := c.Format
	if name == "" {
		name = strings.TrimPrefix(filepath.Ext(c.Output), ".")
	}
	if c.Output == "-" && name == "" {
		name = "ndjson"
	}
	f, ok := capturev1.ExportFormat_value["EXPORT_FORMAT_"+strings.ToUpper(name)]
	if !ok || f == 0 {
		return 0, fmt.Errorf("%q does not end with a known format; name one with --format har, ndjson, csv or parquet", c.Output)
	}
	return capturev1.ExportFormat(f), nil
}

func (c *trafficExportCmd) receive(stream capturev1.CaptureService_GetExportClient, out io.Writer) error {
	total, written := "", 0
	if header, err := stream.Header(); err == nil && len(header.Get("sluice-total")) > 0 {
		total = header.Get("sluice-total")[0]
	}
	show := func(end string) {
		if c.Output != "-" {
			fmt.Fprintf(os.Stderr, "\r%s exchanges, %.1f MB%s", total, float64(written)/1e6, end)
		}
	}
	for {
		part, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			show(" written\n")
			return nil
		case err != nil:
			return err
		}
		n, err := out.Write(part.GetData())
		if written += n; err != nil {
			return err
		}
		show(" …")
	}
}

// writeWhole replaces path with what write writes, or leaves it as it was.
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	buffer := bufio.NewWriterSize(f, 1<<20)
	if err := write(buffer); err != nil {
		_ = f.Close()
		return err
	}
	if err := errors.Join(buffer.Flush(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
