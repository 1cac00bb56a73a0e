package monitor

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/lease"
	"sluice.dev/services/events/internal/outbox"
	"sluice.dev/services/events/internal/supervise"
)

// parallel bounds the questions that are asked of capture at once.
const parallel = 8

// Channels lists all notification channels, with their ids.
type Channels interface {
	AllChannels(ctx context.Context) ([]*eventsv1.NotificationChannel, error)
}

// Config is what an Evaluator works with.
type Config struct {
	DB       *redisdb.DB
	Monitors *resource.Collection[*eventsv1.Monitor]
	Channels Channels
	Capture  capturev1.CaptureServiceClient
	Store    *Store
	Outbox   *outbox.Sender
	Composer Composer
	// Delay is how far behind now a window ends.
	Delay   time.Duration
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Evaluator evaluates all monitors and sends their notifications, in one replica
// at a time.
type Evaluator struct {
	db          *redisdb.DB
	monitors    *resource.Collection[*eventsv1.Monitor]
	channels    Channels
	capture     capturev1.CaptureServiceClient
	store       *Store
	sender      *outbox.Sender
	composer    Composer
	delay       time.Duration
	clock       clock.Clock
	log         *slog.Logger
	slots       chan struct{}
	evaluations *prometheus.CounterVec
	seconds     prometheus.Histogram
}

// NewEvaluator returns an evaluator.
func NewEvaluator(c Config) *Evaluator {
	e := &Evaluator{
		db: c.DB, monitors: c.Monitors, channels: c.Channels, capture: c.Capture, store: c.Store, sender: c.Outbox, composer: c.Composer,
		delay: c.Delay, clock: clock.System{}, log: c.Log, slots: make(chan struct{}, parallel),
		evaluations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_events_evaluations_total", Help: "Evaluations of monitors, by result: ok or failed.",
		}, []string{"result"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sluice_events_evaluation_seconds", Help: "Time capture took to answer a monitor's question.", Buckets: []float64{.005, .025, .1, .5, 2.5, 10},
		}),
	}
	c.Metrics.MustRegister(e.evaluations, e.seconds)
	return e
}

func (e *Evaluator) wake() { e.sender.Wake() }

// Run works whenever this replica has the lease, until ctx ends.
func (e *Evaluator) Run(ctx context.Context) error {
	lease.New(e.db, e.log, outbox.Job).Hold(ctx, e.lead)
	return nil
}

// lead evaluates and sends while ctx runs.
func (e *Evaluator) lead(ctx context.Context, token int64) {
	e.log.InfoContext(ctx, "this replica evaluates the monitors")
	var parts sync.WaitGroup
	parts.Go(func() { e.sender.Run(ctx, token) })
	runners := supervise.NewGroup(ctx)
	jobs := map[string]supervise.Job{}
	for ctx.Err() == nil {
		err := e.monitors.Follow(ctx, func(all []resource.Entry[*eventsv1.Monitor], _ uint64) {
			clear(jobs)
			for _, m := range all {
				jobs[m.ID] = e.job(m.ID, m.Revision, m.Doc, token)
			}
			runners.Set(jobs)
		}, func(ch resource.Change[*eventsv1.Monitor]) {
			delete(jobs, ch.ID)
			if !ch.Deleted {
				jobs[ch.ID] = e.job(ch.ID, ch.Revision, ch.Doc, token)
			}
			runners.Set(jobs)
		})
		if ctx.Err() == nil {
			e.log.ErrorContext(ctx, "the monitors cannot be followed", "error", err)
			sleep(ctx, time.Second)
		}
	}
	runners.Wait()
	parts.Wait()
}

func (e *Evaluator) job(id string, revision uint64, m *eventsv1.Monitor, token int64) supervise.Job {
	m.Id = id
	r := &runner{Evaluator: e, monitor: m, token: token, log: e.log.With("monitor", id)}
	return supervise.Job{Version: strconv.FormatUint(revision, 10), Run: r.run}
}
