// Command exchanges measures the store: it loads exchanges that look like a real
// API's into ClickHouse, and writes how fast they are stored and found.
//
//	go run ./services/capture/benchmark/exchanges -rows 10000000 -into docs/storage.md
//
// It starts an engine and a Redis of its own in a temporary folder, which it removes.
// With -feed it measures nothing, and sends exchanges to a capture service that runs:
//
//	go run ./services/capture/benchmark/exchanges -feed 127.0.0.1:4052 -rows 20000 -rate 1000
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"time"

	"sluice.dev/platform/clickhouse/embedded"
	"sluice.dev/services/capture/benchmark"
)

func main() {
	if err := begin(); err != nil {
		fmt.Fprintln(os.Stderr, "exchanges:", err)
		os.Exit(1)
	}
}

// begin is the program, or the engine that it starts as its child.
func begin() error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cfg, child, err := embedded.Handover()
	if err == nil && child {
		cfg.Log = log
		err = embedded.Serve(ctx, cfg)
	} else if err == nil {
		err = run(ctx, log)
	}
	return err
}

func run(ctx context.Context, log *slog.Logger) error {
	rows := flag.Int("rows", 1_000_000, "exchanges to load")
	dir := flag.String("dir", "", "folder for the data, which stays; what it has from before is measured again. Default: a temporary one")
	length := flag.Duration("ingest", 20*time.Second, "how long exchanges are sent through a capture service; 0 to leave it out")
	into := flag.String("into", "", "file whose part between the marks of this measurement is replaced; default: standard output")
	feed := flag.String("feed", "", "host and port of a capture service that is sent the exchanges; nothing is measured")
	rate := flag.Int("rate", 0, "with -feed: exchanges a second; 0: all at once")
	over := flag.Duration("over", time.Hour, "with -feed and no rate: how long before now the first was received")
	flag.Parse()
	if *feed != "" {
		return benchmark.Feed(ctx, benchmark.Supply{Target: *feed, Rows: *rows, Rate: *rate, Over: *over})
	}
	m, err := start(ctx, *dir, log)
	if err != nil {
		return err
	}
	defer m.stop()
	var out bytes.Buffer
	fmt.Fprintf(&out, "Measured on %s with exchanges of 24 hours and the embedded engine; %d cores (%s/%s).\n\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	if *length > 0 {
		if err := benchmark.Ingest(ctx, m.engine.DSNOf("ingest"), m.redisURL(), *length, m.cpu, &out); err != nil {
			return fmt.Errorf("measuring ingest: %w", err)
		}
	}
	if !m.loaded {
		if err := load(ctx, m, *rows, log, &out); err != nil {
			return err
		}
	}
	if err := benchmark.Measure(ctx, m.engine.DSN(), &out, log); err != nil {
		return fmt.Errorf("measuring searches: %w", err)
	}
	if *into == "" {
		_, err := io.Copy(os.Stdout, &out)
		return err
	}
	return replace(*into, out.Bytes())
}

func load(ctx context.Context, m *machine, rows int, log *slog.Logger, out io.Writer) error {
	_, before := m.cpu()
	last := time.Now()
	took, err := benchmark.Load(ctx, m.engine.DSN(), rows, log, func(done int) {
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d loaded\n", done, rows)
		}
	})
	if err != nil {
		return err
	}
	_, after := m.cpu()
	fmt.Fprintf(out, "Loading took %s (%.0f exchanges a second, made and inserted by one process; the engine used %.1f µs of CPU for each).\n\n",
		took.Round(time.Second), float64(rows)/took.Seconds(), (after-before)*1e6/float64(rows))
	return nil
}

// The marks between which a file has the figures.
const (
	beginMark = "<!-- figures of services/capture/benchmark/exchanges -->\n"
	endMark   = "<!-- end of figures -->\n"
)

func replace(file string, text []byte) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(old, []byte(beginMark))
	_, after, ended := bytes.Cut(rest, []byte(endMark))
	if !found || !ended {
		return fmt.Errorf("%s has no marks between which the figures belong", file)
	}
	fresh := bytes.Join([][]byte{before, []byte(beginMark), text, []byte(endMark), after}, nil)
	return os.WriteFile(file, fresh, 0o644) //nolint:gosec // a document
}
