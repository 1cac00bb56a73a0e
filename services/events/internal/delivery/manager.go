package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/config"
	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/event"
	"sluice.dev/services/events/internal/lease"
	"sluice.dev/services/events/internal/sender"
	"sluice.dev/services/events/internal/supervise"
)

// Manager runs a worker for each pair of subscription and destination that is
// configured.
type Manager struct {
	db       *redisdb.DB
	store    *config.Store
	capture  capturev1.CaptureServiceClient
	client   *egress.Client
	progress *Progress
	account  string
	log      *slog.Logger
	metrics  *metrics

	mu            sync.Mutex
	subscriptions map[string]resource.Entry[*eventsv1.EventSubscription]
	destinations  map[string]resource.Entry[*eventsv1.EventDestination]
	workers       *supervise.Group
}

// NewManager returns a manager. account is the account_id of events.
func NewManager(db *redisdb.DB, store *config.Store, capture capturev1.CaptureServiceClient, client *egress.Client, account string, log *slog.Logger, r prometheus.Registerer) *Manager {
	return &Manager{
		db: db, store: store, capture: capture, client: client, progress: NewProgress(db), account: account, log: log, metrics: newMetrics(r),
		subscriptions: map[string]resource.Entry[*eventsv1.EventSubscription]{},
		destinations:  map[string]resource.Entry[*eventsv1.EventDestination]{},
	}
}

// Run follows the configuration and keeps workers running until ctx ends.
func (m *Manager) Run(ctx context.Context) error {
	m.mu.Lock()
	m.workers = supervise.NewGroup(ctx)
	m.mu.Unlock()
	var following sync.WaitGroup
	following.Go(func() { follow(ctx, m, m.store.Subscriptions, m.subscriptions) })
	following.Go(func() { follow(ctx, m, m.store.Destinations, m.destinations) })
	following.Wait()
	m.workers.Wait()
	return nil
}

// follow keeps a map of documents equal to a collection and the workers in step.
func follow[T proto.Message](ctx context.Context, m *Manager, c *resource.Collection[T], docs map[string]resource.Entry[T]) {
	for ctx.Err() == nil {
		err := c.Follow(ctx, func(all []resource.Entry[T], _ uint64) {
			m.mu.Lock()
			defer m.mu.Unlock()
			clear(docs)
			for _, e := range all {
				docs[e.ID] = e
			}
			m.reconcile()
		}, func(ch resource.Change[T]) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if ch.Deleted {
				delete(docs, ch.ID)
			} else {
				docs[ch.ID] = resource.Entry[T]{ID: ch.ID, Meta: ch.Meta, Doc: ch.Doc}
			}
			m.reconcile()
		})
		if ctx.Err() == nil {
			m.log.ErrorContext(ctx, "the configuration cannot be followed", "error", err)
			(&backoff{first: time.Second, most: time.Second}).wait(ctx, 0)
		}
	}
}

// reconcile makes the running workers those of the configuration. m.mu is held.
func (m *Manager) reconcile() {
	wanted := map[string]supervise.Job{}
	for _, s := range m.subscriptions {
		for _, id := range s.Doc.GetDestinationIds() {
			d, ok := m.destinations[id]
			if !ok {
				continue
			}
			at := pair{s.ID, id}
			w, err := m.worker(at, s, d.Doc)
			if err != nil {
				m.log.Error("a subscription cannot be served", "subscription", s.ID, "destination", id, "error", err)
				continue
			}
			hold := lease.New(m.db, m.log, at.job())
			wanted[at.name()] = supervise.Job{
				Version: fmt.Sprintf("%d/%d", s.Revision, d.Revision),
				Run:     func(ctx context.Context) { hold.Hold(ctx, w.run) },
			}
		}
	}
	m.workers.Set(wanted)
}

func (m *Manager) worker(at pair, s resource.Entry[*eventsv1.EventSubscription], d *eventsv1.EventDestination) (*worker, error) {
	to, err := sender.Open(d, m.client)
	if err != nil {
		return nil, err
	}
	source := s.Doc.GetSources()[0] // the only type there is; the API refuses others
	choose, err := event.Select("fields", source.GetFields())
	if err != nil {
		return nil, err
	}
	log := m.log.With("subscription", at.subscription, "destination", at.destination)
	return &worker{
		at: at, progress: m.progress, sender: to, choose: choose, account: m.account, since: s.UpdatedAt, log: log, metrics: m.metrics,
		reader:     reader{capture: m.capture, log: log, filter: source.GetFilter(), retry: backoff{first: 200 * time.Millisecond, most: 5 * time.Second}},
		retry:      backoff{first: retryFirst, most: retryMost},
		storeRetry: backoff{first: 100 * time.Millisecond, most: 2 * time.Second},
		probe:      probeLeast,
	}, nil
}

// Begin records that subscription sends to destinations from now on. Those that
// it sends to already go on from where they are.
func (m *Manager) Begin(ctx context.Context, subscription string, destinations []string) error {
	s := start{}
	position, err := end(ctx, m.capture)
	if err != nil {
		m.log.InfoContext(ctx, "the end of the log is not known; starting by time", "subscription", subscription, "reason", err)
		s.since = time.Now()
	}
	s.position = position
	for _, id := range destinations {
		if err := m.progress.create(ctx, pair{subscription, id}, s); err != nil {
			return err
		}
	}
	return nil
}

// End forgets that subscription sent to destinations.
func (m *Manager) End(ctx context.Context, subscription string, destinations []string) error {
	for _, id := range destinations {
		if err := m.progress.forget(ctx, pair{subscription, id}); err != nil {
			return err
		}
	}
	return nil
}
