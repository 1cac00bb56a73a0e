// Package janitor keeps the store within its share of the disk.
package janitor

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	pause = 30 * time.Second
	limit = 2 * time.Minute // of one turn
)

// Store can be trimmed.
type Store interface {
	// Trim drops the oldest rows beyond the byte limit and says how many bytes went.
	Trim(ctx context.Context) (freed uint64, err error)
}

// Janitor trims now and then.
type Janitor struct {
	store   Store
	log     *slog.Logger
	metrics *Metrics
}

// Metrics count what went.
type Metrics struct{ freed prometheus.Counter }

// NewMetrics registers the metrics with r.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{prometheus.NewCounter(prometheus.CounterOpts{
		Name: "sluice_capture_trimmed_bytes_total", Help: "Bytes on disk of the oldest exchanges, dropped before their time for the disk limit.",
	})}
	r.MustRegister(m.freed)
	return m
}

// New returns a janitor of a store.
func New(store Store, log *slog.Logger, metrics *Metrics) *Janitor {
	return &Janitor{store: store, log: log, metrics: metrics}
}

// Run trims until ctx ends.
func (j *Janitor) Run(ctx context.Context) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		j.turn(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (j *Janitor) turn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	freed, err := j.store.Trim(ctx)
	if err != nil && ctx.Err() == nil {
		j.log.Warn("the disk limit could not be looked after", "error", err)
	}
	if freed > 0 {
		j.metrics.freed.Add(float64(freed))
		j.log.Info("the oldest exchanges were dropped for the disk limit", "bytes", freed)
	}
}
