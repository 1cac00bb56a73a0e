package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/sealed"
)

// silence is how long the policy service may say nothing, heartbeats included,
// before the connection is taken for dead.
const silence = 30 * time.Second

// Watcher follows the policy service and keeps the last good configuration on
// disk.
type Watcher struct {
	store     *Store
	client    policyv1.DistributionServiceClient
	proxyID   string
	file      file
	log       *slog.Logger
	connected atomic.Bool
	dirty     chan struct{}
	up        prometheus.Gauge
}

// NewWatcher loads the configuration kept at path, if there is one, into store. A
// file that cannot be read is logged and left alone: the policy service has the
// truth. Secrets are kept there sealed with keys, or, without keys (nil), not at
// all.
func NewWatcher(store *Store, conn grpc.ClientConnInterface, proxyID, path string, keys *sealed.Ring, reg prometheus.Registerer, log *slog.Logger) *Watcher {
	w := &Watcher{store: store, client: policyv1.NewDistributionServiceClient(conn), proxyID: proxyID, file: file{path, keys}, log: log, dirty: make(chan struct{}, 1),
		up: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_proxy_config_connected", Help: "1 while the configuration follows the policy service, 0 while it is the last good one."})}
	reg.MustRegister(w.up)
	snap, err := w.file.load()
	switch {
	case err != nil:
		log.Error("the last good configuration cannot be read", "error", err)
	case snap != nil:
		store.Replace(snap)
		log.Info("serving the last good configuration until the policy service answers", "revision", snap.GetRevision(), "endpoints", len(snap.GetEndpoints()))
		if snap.GetSecretsUnavailable() != "" {
			log.Warn("policies that read secrets fail for now", "reason", snap.GetSecretsUnavailable())
		}
	}
	return w
}

// Connected reports whether the configuration follows the policy service.
func (w *Watcher) Connected() bool { return w.connected.Load() }

// Run follows until ctx ends, reconnecting as long as that takes.
func (w *Watcher) Run(ctx context.Context) error {
	saved := make(chan struct{})
	go func() { defer close(saved); w.keep(ctx) }()
	defer func() { <-saved }()
	wait := backoff{}
	for {
		began := time.Now()
		err := w.follow(ctx)
		w.setConnected(false)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > silence {
			wait = backoff{}
		}
		d := wait.next()
		w.log.Warn("not connected to the policy service; serving the last good configuration", "error", err, "retry_in", d)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(d):
		}
	}
}

// follow reads one stream to its end.
func (w *Watcher) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dead := time.AfterFunc(silence, func() { cancel(fmt.Errorf("nothing was heard for %s", silence)) })
	defer dead.Stop()
	stream, err := w.client.Watch(ctx, &policyv1.WatchRequest{ProxyId: w.proxyID})
	if err != nil {
		return err
	}
	for {
		msg, err := stream.Recv()
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err
		}
		dead.Reset(silence)
		if err := w.take(msg); err != nil {
			return err
		}
	}
}

var errNoSnapshot = errors.New("the policy service sent a change before a snapshot")

func (w *Watcher) take(msg *policyv1.WatchResponse) error {
	switch u := msg.GetUpdate().(type) {
	case *policyv1.WatchResponse_Snapshot:
		w.store.Replace(u.Snapshot)
		w.setConnected(true)
		w.log.Info("the configuration follows the policy service", "revision", u.Snapshot.GetRevision(), "endpoints", len(u.Snapshot.GetEndpoints()))
	case *policyv1.WatchResponse_Delta:
		if !w.Connected() {
			return errNoSnapshot
		}
		w.store.Apply(u.Delta)
	default:
		return nil // a heartbeat
	}
	select {
	case w.dirty <- struct{}{}:
	default:
	}
	return nil
}

func (w *Watcher) setConnected(up bool) {
	w.connected.Store(up)
	w.up.Set(map[bool]float64{true: 1}[up])
}

// keep writes the newest configuration to disk after each change. Changes that
// come while it writes are written together.
func (w *Watcher) keep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.dirty:
		}
		if err := w.file.save(w.store.State().Snapshot()); err != nil {
			w.log.Error("the configuration was not kept on disk; a restart without the policy service would serve an older one", "error", err)
		}
	}
}

// backoff waits longer after each failure, 100 ms to 3 s, with jitter.
type backoff struct{ last time.Duration }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, 100*time.Millisecond), 3*time.Second)
	return b.last/2 + rand.N(b.last/2) // #nosec G404 -- jitter needs no secrecy
}
