// Package distribution feeds proxies with configuration: it keeps one copy of it
// up to date by the change feed in Redis and sends it to every proxy that
// watches. Any number of policy services on one Redis do the same.
package distribution

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/resource"
	"sluice.dev/services/policy/internal/endpoint"
	"sluice.dev/services/policy/internal/settings"
	"sluice.dev/services/policy/internal/store"
)

// Hub is the copy. Run keeps it up to date.
type Hub struct {
	store      *store.Store
	log        *slog.Logger
	keyChanged func(id string)
	state      *state
	vaults     vaults
	sealed     atomic.Bool           // secrets are there that cannot be opened
	failure    atomic.Pointer[error] // why the copy is not up to date; nil when it is
}

var errStarting = errors.New("the configuration is not loaded yet")

// NewHub returns a hub over a store. keyChanged is told of each API key that
// changed, and gets "" when any may have.
func NewHub(s *store.Store, log *slog.Logger, keyChanged func(id string)) *Hub {
	h := &Hub{store: s, log: log, keyChanged: keyChanged, state: newState()}
	h.failure.Store(&errStarting)
	return h
}

// Ready is nil while the copy is up to date.
func (h *Hub) Ready() error {
	if err := h.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// Run follows the store until ctx ends. It starts again, with a new load, when
// secrets that could not be opened can be.
func (h *Hub) Run(ctx context.Context) error {
	for {
		round, again := context.WithCancel(ctx)
		var mending sync.WaitGroup
		mending.Go(func() { h.mend(round, again) })
		err := h.store.Feed.Follow(round, h.load, h.apply)
		retry := round.Err() != nil && ctx.Err() == nil
		again()
		mending.Wait()
		if !retry {
			return err
		}
	}
}

// load reads everything. What is read after the endpoints may be newer than the
// revision; its change then comes again, which does no harm.
//
// What is known of API keys is dropped only afterwards: while Redis is away they
// keep working for as long as the cache allows.
func (h *Hub) load(ctx context.Context) (uint64, error) {
	revision, err := h.tryLoad(ctx)
	if err != nil {
		if ctx.Err() == nil {
			h.log.WarnContext(ctx, "the configuration cannot be read; trying again", "error", err)
		}
		err = errs.Unavailable("the configuration cannot be read").Because(err) // also when it is damaged: it may be mended
		h.failure.Store(&err)
		return 0, err
	}
	h.keyChanged("")
	h.failure.Store(nil)
	h.log.InfoContext(ctx, "the configuration is loaded", "revision", revision)
	return revision, nil
}

func (h *Hub) tryLoad(ctx context.Context) (uint64, error) {
	all, revision, err := h.store.Endpoints.All(ctx)
	if err != nil {
		return 0, err
	}
	capture, meta, err := h.store.Settings.Get(ctx, store.SettingsID)
	if errs.Is(err, errs.ReasonNotFound) {
		capture, err = &policyv1.CaptureSettings{}, nil
	}
	if err != nil {
		return 0, err
	}
	replayKey, err := h.store.ReplayKey(ctx)
	if err != nil {
		return 0, err
	}
	var fault error
	if h.vaults, fault, err = readVaults(ctx, h.store); err != nil {
		return 0, err
	}
	now := contents{capture: settings.Complete(capture, meta), replayKey: replayKey, endpoints: make(map[string]*policyv1.Endpoint, len(all))}
	for _, e := range all {
		now.endpoints[e.ID] = endpoint.Complete(e.ID, e.Doc, e.Meta)
	}
	now.secrets = map[string]*policyv1.SecretValue{}
	for _, v := range h.vaults.values("") {
		now.secrets[v.GetId()] = v
	}
	if h.sealed.Store(fault != nil); fault != nil {
		h.log.ErrorContext(ctx, "secrets cannot be decrypted: policies that read them fail until the key file has their key", "error", fault)
		now.secretsFault = "the policy service cannot decrypt them"
	}
	h.state.load(revision, now)
	return revision, nil
}

// apply takes one change over. One that cannot be read is left to load.
func (h *Hub) apply(r resource.Record) error {
	if err := h.tryApply(r); err != nil {
		return fmt.Errorf("%w: %w", resource.ErrReload, err)
	}
	return nil
}

func (h *Hub) tryApply(r resource.Record) error {
	delta := &policyv1.Delta{Revision: r.Revision}
	if change, ok, err := h.store.Endpoints.Change(r); err != nil {
		return err
	} else if ok && change.Deleted {
		delta.DeletedIds = []string{change.ID}
	} else if ok {
		delta.Changed = []*policyv1.Endpoint{endpoint.Complete(change.ID, change.Doc, change.Meta)}
	}
	if change, ok, err := h.store.Settings.Change(r); err != nil {
		return err
	} else if ok && !change.Deleted {
		delta.Capture = settings.Complete(change.Doc, change.Meta)
	}
	if _, ok, err := h.store.APIKeys.Change(r); err != nil {
		return err
	} else if ok {
		h.keyChanged(r.ID)
	}
	if err := h.vaults.apply(h.store, r, delta); err != nil {
		return err
	}
	if len(delta.Changed)+len(delta.DeletedIds)+len(delta.ChangedSecrets)+len(delta.DeletedSecretIds) == 0 && delta.Capture == nil {
		h.state.advance(r.Revision)
		return nil
	}
	h.state.apply(delta)
	return nil
}
