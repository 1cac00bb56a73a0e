package native

import (
	"context"
	"log/slog"
	"sort"
	"strings"
	"sync"
	"time"

	"sluice.dev/platform/clickhouse/embedded/engine"
)

// killInterval is how often the queries of cancelled sessions are killed anew:
// a query that had not begun when the first kill came would miss it.
const killInterval = 10 * time.Millisecond

// killer ends the running queries of cancelled sessions, all with one
// statement at a time: a statement per session would pile up.
type killer struct {
	conn *engine.Conn
	log  *slog.Logger
	wake chan struct{}

	mu      sync.Mutex // held while a kill runs, so that it can't hit a session's next query
	victims map[string]struct{}
}

func newKiller(conn *engine.Conn, log *slog.Logger) *killer {
	return &killer{conn: conn, log: log, wake: make(chan struct{}, 1), victims: map[string]struct{}{}}
}

// add has the session's queries killed until remove.
func (k *killer) add(tag string) {
	k.mu.Lock()
	k.victims[tag] = struct{}{}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// remove returns once no kill of the session is under way.
func (k *killer) remove(tag string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.victims, tag)
}

func (k *killer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		}
		for k.kill() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(killInterval):
			}
		}
	}
}

// kill reports whether there are victims.
func (k *killer) kill() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.victims) == 0 {
		return false
	}
	tags := make([]string, 0, len(k.victims))
	for tag := range k.victims {
		tags = append(tags, quote(tag))
	}
	sort.Strings(tags)
	sql := "KILL QUERY WHERE Settings['" + tagSetting + "'] IN (" + strings.Join(tags, ", ") + ") ASYNC"
	if err := k.conn.Exec(sql); err != nil {
		k.log.Warn("killing cancelled queries failed", "error", err)
	}
	return true
}
