package routes

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

const (
	parameter = "{id}"
	remainder = "{rest...}"
	// Limits of a template; what goes beyond becomes {rest...}.
	maxSegments = 24
	maxTemplate = 512 // bytes
)

// Templates finds the templates of paths. It is safe for concurrent use.
type Templates struct {
	db      *redisdb.DB
	rules   *resource.Collection[*capturev1.RouteRule]
	log     *slog.Logger
	learned prometheus.Counter

	mu      sync.Mutex // of what state is made from
	current atomic.Pointer[state]
	entries map[string][]string // by entryKey: the names that stay
	known   int64               // version of the entries in Redis

	learner learner
	found   chan place
}

// state never changes once it is stored.
type state struct {
	rules   ruleSet
	learned map[string]*wild // by endpoint
}

// New returns templates that follow what is in Redis while they run.
func New(db *redisdb.DB, log *slog.Logger, r prometheus.Registerer) *Templates {
	t := &Templates{
		db: db, rules: Collection(db), log: log, entries: map[string][]string{}, found: make(chan place, 256),
		learned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sluice_capture_routes_learned_total", Help: "Places in paths that this process found to be parameters.",
		}),
	}
	r.MustRegister(t.learned)
	t.current.Store(&state{})
	return t
}

// Route is the template of a path, decoded once, of an endpoint. It is empty without
// an endpoint, and never longer than 512 bytes.
func (t *Templates) Route(endpointID, path string) string {
	if endpointID == "" {
		return ""
	}
	s := t.current.Load()
	if template, ok := s.rules.match(endpointID, path); ok {
		return template
	}
	return template(s.learned[endpointID], path, nil)
}

// template walks along the path and what was learned of it. visit, if not nil, gets
// the template of each segment and whether it is a name.
func template(w *wild, path string, visit func(name string, isName bool) bool) string {
	var room [maxTemplate + len(remainder) + 1]byte
	out := room[:0]
	rest := strings.TrimPrefix(path, "/")
	for n := 0; ; n++ {
		text, after, more := strings.Cut(rest, "/")
		name, isParameter := segment(text)
		if !isParameter && w.isParameter(name) {
			name, isParameter = parameter, true
		}
		if n == maxSegments || len(out)+1+len(name) > maxTemplate {
			return string(append(append(out, '/'), remainder...))
		}
		out = append(append(out, '/'), name...)
		if visit != nil && text != "" && !visit(name, !isParameter) {
			visit = nil
		}
		w = w.child(name)
		if rest = after; !more {
			break
		}
	}
	if string(out) == path { // nothing to copy
		return path
	}
	return string(out)
}

// wild is what was learned of the paths of an endpoint, as a tree of segments.
type wild struct {
	children map[string]*wild
	learned  bool            // the segments here are a parameter,
	names    map[string]bool // but for these
}

func (w *wild) isParameter(name string) bool {
	return w != nil && w.learned && name != "" && !w.names[name]
}

func (w *wild) child(name string) *wild {
	if w == nil {
		return nil
	}
	return w.children[name]
}

// at makes the way to a place of the tree.
func (w *wild) at(prefix string) *wild {
	for name := range strings.SplitSeq(prefix, "/") {
		if name == "" {
			continue
		}
		if w.children == nil {
			w.children = map[string]*wild{}
		}
		if w.children[name] == nil {
			w.children[name] = &wild{}
		}
		w = w.children[name]
	}
	return w
}
