package routes

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

const (
	// refresh is how often a process looks for what others have learned.
	refresh = 3 * time.Second
	// patience bounds one call of Redis.
	patience = 2 * time.Second
	// maxLearned bounds the places that are kept for all endpoints.
	maxLearned = 10_000
)

// Observe learns from an exchange. Only what the upstream answered well counts, or
// anyone could spoil the templates by asking for what does not exist.
func (t *Templates) Observe(e *capturev1.Exchange) {
	if status := e.GetResponse().GetStatusCode(); e.GetEndpointId() == "" || status < 200 || status >= 400 {
		return
	}
	s := t.current.Load()
	if _, ruled := s.rules.match(e.GetEndpointId(), e.GetRequest().GetPath()); ruled {
		return
	}
	p, found := t.learner.observe(e.GetEndpointId(), e.GetRequest().GetPath(), s.learned[e.GetEndpointId()])
	if !found {
		return
	}
	select {
	case t.found <- p:
	default: // so many at once; another process, or the next start, finds it again
	}
}

// Label gives exchanges their routes and learns from them.
func (t *Templates) Label(exchanges []*capturev1.Exchange) {
	for _, e := range exchanges {
		t.Observe(e)
		e.Route = t.Route(e.GetEndpointId(), e.GetRequest().GetPath())
	}
}

// Redis keeps a hash of places and a counter that tells when it has changed.
func (t *Templates) hashKey() string    { return t.db.Key("capture", "routes") }
func (t *Templates) versionKey() string { return t.db.Key("capture", "routes-version") }

// entryKey names a place; ids of endpoints have no spaces.
func entryKey(p place) string { return p.endpoint + " " + p.prefix }

// keepLearned writes what is found to Redis and reads what others found, until ctx
// ends. While Redis is away, what was found waits.
func (t *Templates) keepLearned(ctx context.Context) {
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	t.load(ctx)
	var waiting []place
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-t.found:
			waiting = append(waiting, p)
		case <-ticker.C:
		}
		waiting = t.store(ctx, waiting)
		t.load(ctx)
	}
}

// store writes places, and returns those that could not be written.
func (t *Templates) store(ctx context.Context, places []place) []place {
	for i, p := range places {
		if err := t.add(ctx, p); err != nil {
			t.log.Warn("a parameter of paths was found and not kept yet", "error", err)
			return slices.Clone(places[i:])
		}
	}
	return nil
}

// add writes a place, unless another process was faster: then its names count.
func (t *Templates) add(ctx context.Context, p place) error {
	t.mu.Lock()
	full := len(t.entries) >= maxLearned
	t.mu.Unlock()
	if full {
		return nil
	}
	names, err := json.Marshal(p.names)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tx := t.db.TxPipeline()
	set := tx.HSetNX(ctx, t.hashKey(), entryKey(p), names)
	tx.Incr(ctx, t.versionKey())
	if _, err := tx.Exec(ctx); err != nil {
		return err
	}
	if set.Val() {
		t.learned.Inc()
		t.log.Info("a segment of paths is a parameter", "endpoint", p.endpoint, "after", p.prefix+"/", "except", p.names)
	}
	return nil
}

// load reads what was learned, if it has changed.
func (t *Templates) load(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	version, err := t.db.Get(ctx, t.versionKey()).Int64()
	if errors.Is(err, redis.Nil) || err == nil && version == t.known {
		return
	}
	var all map[string]string
	if err == nil {
		all, err = t.db.HGetAll(ctx, t.hashKey()).Result()
	}
	if err != nil {
		if ctx.Err() == nil {
			t.log.Warn("learned routes are not up to date", "error", err)
		}
		return
	}
	t.known = version
	t.apply(all)
}

func (t *Templates) apply(all map[string]string) {
	entries := make(map[string][]string, len(all))
	for key, value := range all {
		var names []string
		if json.Unmarshal([]byte(value), &names) == nil {
			entries[key] = names
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = entries
	next := *t.current.Load()
	next.learned = trees(entries)
	t.current.Store(&next)
}

func trees(entries map[string][]string) map[string]*wild {
	all := map[string]*wild{}
	for key, names := range entries {
		endpoint, prefix, _ := strings.Cut(key, " ")
		if all[endpoint] == nil {
			all[endpoint] = &wild{}
		}
		w := all[endpoint].at(prefix)
		w.learned, w.names = true, map[string]bool{}
		for _, name := range names {
			w.names[name] = true
		}
	}
	return all
}
