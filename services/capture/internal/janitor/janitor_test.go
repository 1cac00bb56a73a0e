package janitor_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/id"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/janitor"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

func TestStoreIsKeptWithinItsLimit(t *testing.T) {
	const limit = 200 << 10
	now := time.Now().UTC()
	s, err := store.Options{
		ByteLimit: limit, Retention: store.Retention{Exchanges: 72 * time.Hour}, Limits: store.Limits{Time: 10 * time.Second, Rows: 1e9, Bytes: 1e12},
	}.Open(t.Context(), testenv.ClickHouse(t), clock.NewFake(now), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range uint64(10) {
		b := store.NewBatch(&capturev1.Batch{Id: id.Batch.New(), Exchanges: sample.Some(i, 400, now.Add(-50*time.Hour+time.Duration(i)*5*time.Hour), time.Second)})
		b.Stamp("w", 1+1000*i)
		if err := s.Insert(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	before := bytesOf(t, s)
	if before <= limit {
		t.Fatalf("%d bytes are no more than the limit", before)
	}

	registry := prometheus.NewRegistry()
	j := janitor.New(s, slog.New(slog.DiscardHandler), janitor.NewMetrics(registry))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	testenv.Eventually(t, 30*time.Second, func() bool { return freed(t, registry) > 0 }, "something is freed")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if left := bytesOf(t, s); left > limit || left == 0 {
		t.Errorf("%d of %d bytes are left, and %v are counted as freed; the limit is %d", left, before, freed(t, registry), limit)
	}
}

func bytesOf(t *testing.T, s *store.Store) (sum uint64) {
	t.Helper()
	tables, _, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		sum += table.Bytes
	}
	return sum
}

func freed(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "sluice_capture_trimmed_bytes_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatal("there is no such metric")
	return 0
}

// turns is a store whose turns the test decides.
type turns struct {
	count atomic.Int32
	trim  func(ctx context.Context, turn int32) (uint64, error)
}

func (s *turns) Trim(ctx context.Context) (uint64, error) { return s.trim(ctx, s.count.Add(1)) }

// A turn that fails, or that hangs, keeps none of the next ones back.
func TestJanitorGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &turns{trim: func(ctx context.Context, turn int32) (uint64, error) {
			switch turn {
			case 1:
				return 0, errors.New("the store is away")
			case 2:
				<-ctx.Done()
				return 10, ctx.Err()
			}
			return 7, nil
		}}
		var log bytes.Buffer
		registry := prometheus.NewRegistry()
		j := janitor.New(s, slog.New(slog.NewTextHandler(&log, nil)), janitor.NewMetrics(registry))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- j.Run(ctx) }()
		time.Sleep(10 * time.Minute) // of synctest's clock
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		n := s.count.Load()
		if want := 10 + 7*float64(n-2); n < 10 || freed(t, registry) != want {
			t.Errorf("%v bytes in %d turns, want %v", freed(t, registry), n, want)
		}
		if text := log.String(); strings.Count(text, "the disk limit could not be looked after") != 1 || !strings.Contains(text, "the store is away") {
			t.Errorf("the log says %s", text)
		}
	})
}
