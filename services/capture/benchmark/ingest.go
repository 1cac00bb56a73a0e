package benchmark

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture"
)

const (
	streams   = 4
	batchRows = 1000
	// youth is for how long a capture process takes every batch for one that may
	// have been stored before.
	youth = 6 * time.Second
)

// Ingest sends exchanges to a capture service of its own for a while, over gRPC as
// proxies do, and writes how many became durable. CPU returns the seconds that this
// process and the engine have used.
func Ingest(ctx context.Context, dsn, redis string, length time.Duration, cpu func() (own, engine float64), out io.Writer) error {
	cfg := capture.Config{ClickHouse: dsn, Writer: "bench-ingest", Redis: redisdb.Config{URL: redis, Namespace: "bench"}}
	cfg.GRPC.Listen = "127.0.0.1:0"
	svc, err := capture.New(ctx, cfg, telemetry.Nop())
	if err != nil {
		return err
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- svc.Run(run) }()
	for svc.Ready() != nil && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(youth)
	exchanges := batchOf(1, streams*batchRows, time.Now(), time.Millisecond).GetExchanges()
	ownBefore, engineBefore := cpu()
	begin := time.Now()
	rows, err := feed(ctx, svc.Target(), exchanges, begin.Add(length))
	took := time.Since(begin)
	own, engine := cpu()
	stop()
	if ended := <-done; err == nil {
		err = ended
	}
	if err != nil {
		return err
	}
	perRow := func(seconds float64) float64 { return seconds * 1e6 / float64(rows) }
	fmt.Fprint(out, "| ingest | |\n| --- | ---: |\n")
	fmt.Fprintf(out, "| exchanges stored and acknowledged | %d in %s |\n| a second | %.0f |\n", rows, took.Round(time.Millisecond), float64(rows)/took.Seconds())
	fmt.Fprintf(out, "| CPU of capture and of the client that feeds it, an exchange | %.1f µs |\n| CPU of the engine, merges included, an exchange | %.1f µs |\n", perRow(own-ownBefore), perRow(engine-engineBefore))
	fmt.Fprintf(out, "| a second and core | %.0f |\n\n", float64(rows)/(own-ownBefore+engine-engineBefore))
	return nil
}

// feed sends batches on several streams until a time, and returns how many of their
// rows were acknowledged.
func feed(ctx context.Context, target string, exchanges []*capturev1.Exchange, until time.Time) (int, error) {
	conn, err := rpc.Dial(target, rpc.ClientConfig{}, telemetry.Nop())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	counts := make([]int, streams)
	group, ctx := errgroup.WithContext(ctx)
	for i := range streams {
		group.Go(func() (err error) {
			counts[i], err = pump(ctx, capturev1.NewIngestServiceClient(conn), exchanges[i*batchRows:(i+1)*batchRows], until)
			return err
		})
	}
	err = group.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return total, err
}

func pump(ctx context.Context, client capturev1.IngestServiceClient, exchanges []*capturev1.Exchange, until time.Time) (rows int, err error) {
	s, err := client.Ingest(ctx)
	if err != nil {
		return 0, err
	}
	sent := make(chan error, 1)
	go func() {
		for time.Now().Before(until) {
			if err := s.Send(&capturev1.IngestRequest{ProxyId: "px_bench", Batch: &capturev1.Batch{Id: id.Batch.New(), Exchanges: exchanges}}); err != nil {
				sent <- err
				return
			}
		}
		sent <- s.CloseSend()
	}()
	for {
		if _, err := s.Recv(); err == io.EOF { //nolint:errorlint // Recv returns it bare
			return rows, <-sent
		} else if err != nil {
			return rows, err
		}
		rows += batchRows
	}
}
