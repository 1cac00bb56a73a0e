package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/errs"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/lease"
	"sluice.dev/services/events/internal/notify"
)

const (
	maxAttempts  = 10 // the waits between them add up to about 20 minutes
	firstWait    = time.Second
	mostWait     = 5 * time.Minute
	pollInterval = time.Second
	parallel     = 16
	grace        = 4 * time.Second // how long an attempt may go on when the sender is to stop
	behindAlert  = time.Second     // how long a recovery waits for its alert before it looks again
)

// Channels finds channels and remembers how they fare.
type Channels interface {
	Channel(ctx context.Context, id string) (*eventsv1.NotificationChannel, error)
	Fared(ctx context.Context, r *eventsv1.NotificationResult) error
}

// Sender empties the outbox.
type Sender struct {
	store    *Store
	channels Channels
	notify   *notify.Sender
	clock    clock.Clock
	log      *slog.Logger
	sent     *prometheus.CounterVec
	wake     chan struct{}
}

// NewSender returns a sender.
func NewSender(store *Store, channels Channels, n *notify.Sender, log *slog.Logger, r prometheus.Registerer) *Sender {
	s := &Sender{store: store, channels: channels, notify: n, clock: clock.System{}, log: log, wake: make(chan struct{}, 1),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_events_notifications_total", Help: "Attempts to notify, by result: delivered, retried or failed.",
		}, []string{"result"})}
	r.MustRegister(s.sent)
	return s
}

// Wake makes Run look for items now.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends what is due while ctx runs, under the lease with this token.
func (s *Sender) Run(ctx context.Context, token int64) {
	var flights sync.WaitGroup
	defer flights.Wait()
	busy := &inFlight{keys: map[string]bool{}}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		items, err := s.store.due(ctx, s.clock.Now(), 100)
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "due notifications cannot be read", "error", err)
		}
		for _, it := range items {
			if busy.take(it.Key) {
				flights.Go(func() {
					defer s.Wake()
					defer busy.drop(it.Key)
					s.one(ctx, token, it)
				})
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-s.wake:
		}
	}
}

// inFlight is the items being sent.
type inFlight struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (f *inFlight) take(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keys[key] || len(f.keys) >= parallel {
		return false
	}
	f.keys[key] = true
	return true
}

func (f *inFlight) drop(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.keys, key)
}

// one makes an attempt with an item and records what came of it.
func (s *Sender) one(ctx context.Context, token int64, it Item) {
	err := s.attempt(ctx, token, it)
	if err != nil && ctx.Err() == nil && !errors.Is(err, lease.ErrLost) {
		s.log.WarnContext(ctx, "a notification could not be handled; it stays", "notification", it.Key, "error", err)
	}
}

func (s *Sender) attempt(ctx context.Context, token int64, it Item) error {
	blocked, err := s.blocked(ctx, token, it)
	if blocked || err != nil {
		return err
	}
	channel, err := s.channels.Channel(ctx, it.ChannelID)
	if errs.Is(err, errs.ReasonNotFound) {
		return s.giveUp(ctx, token, it, "the channel was deleted")
	}
	if err != nil {
		return err
	}
	ctx, cancel := lease.Outlive(ctx, grace)
	defer cancel()
	answer := s.notify.Send(ctx, channel, it.Notice)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	it.Attempts++
	return s.record(ctx, token, it, channel, answer)
}

// record decides from an answer whether an item is done.
func (s *Sender) record(ctx context.Context, token int64, it Item, channel *eventsv1.NotificationChannel, answer egress.Answer) error {
	r := notify.Result(channel, answer)
	if err := s.channels.Fared(ctx, r); err != nil {
		s.log.WarnContext(ctx, "the status of a channel cannot be stored", "channel", it.ChannelID, "error", err)
	}
	switch {
	case answer.OK():
		s.sent.WithLabelValues("delivered").Inc()
		return s.store.settle(ctx, token, it, r)
	case notify.MayPass(answer) && it.Attempts < maxAttempts:
		s.sent.WithLabelValues("retried").Inc()
		return s.store.again(ctx, token, it, r, s.clock.Now().Add(max(wait(it.Attempts), answer.RetryAfter)))
	}
	s.sent.WithLabelValues("failed").Inc()
	s.log.ErrorContext(ctx, "a notification was not delivered", "notification", it.Key, "answer", answer.Text())
	return s.store.settle(ctx, token, it, r)
}

// blocked keeps a recovery behind its alert, and drops it when the alert never
// arrived.
func (s *Sender) blocked(ctx context.Context, token int64, it Item) (bool, error) {
	if it.After == "" {
		return false, nil
	}
	waiting, err := s.store.waiting(ctx, it.AfterKey)
	if err != nil {
		return true, err
	}
	if waiting {
		return true, s.store.again(ctx, token, it, result(it, "it waits until the alert has arrived"), s.clock.Now().Add(behindAlert))
	}
	results, err := s.store.Results(ctx, it.After)
	if err != nil || results[it.ChannelID].GetDelivered() {
		return err != nil, err
	}
	return true, s.giveUp(ctx, token, it, "the alert never arrived there")
}

func (s *Sender) giveUp(ctx context.Context, token int64, it Item, why string) error {
	s.sent.WithLabelValues("failed").Inc()
	return s.store.settle(ctx, token, it, result(it, why))
}

func result(it Item, text string) *eventsv1.NotificationResult {
	return &eventsv1.NotificationResult{ChannelId: it.ChannelID, ChannelName: it.ChannelName, Error: text}
}

// wait is the pause after so many attempts.
func wait(attempts int) time.Duration {
	d := firstWait
	for range attempts - 1 {
		d = min(3*d, mostWait)
	}
	return d
}
