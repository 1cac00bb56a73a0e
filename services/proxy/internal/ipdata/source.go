// Package ipdata knows where addresses are, whose network they belong to and on which
// lists they stand: from databases in the MMDB format and from files of networks that
// the operator provides.
//
// It downloads nothing.
package ipdata

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"sluice.dev/platform/trafficpolicy/expr"
	"sluice.dev/services/proxy/internal/filewatch"
)

// Config names files.
type Config struct {
	Databases  []string // MMDB files: places, autonomous systems, or both
	Categories string   // a directory of files of networks, each named after its category
}

// Empty reports whether there is nothing to know.
func (c Config) Empty() bool { return len(c.Databases) == 0 && c.Categories == "" }

// Source answers from memory. It is safe for concurrent use.
type Source struct {
	cfg     Config
	log     *slog.Logger
	mu      sync.Mutex // held while reading
	watch   filewatch.Watch
	current atomic.Pointer[content]
}

// content is what the files say. It is never changed.
type content struct {
	databases  map[string]*database
	order      []string // of the databases
	categories *categories
	cache      [cacheSize]atomic.Pointer[known]
	seed       maphash.Seed
}

// cacheSize is for how many addresses the answer is kept, at most.
const cacheSize = 1 << 12

type known struct {
	address netip.Addr
	data    *expr.IPData
}

// Open reads the files. A database or list that cannot be read is an error now; later
// it is logged, and what was there before stays.
func Open(cfg Config, log *slog.Logger) (*Source, error) {
	s := &Source{cfg: cfg, log: log}
	empty := &content{databases: map[string]*database{}, categories: newCategories(nil)}
	next, faults := s.read(empty)
	for _, fault := range faults {
		return nil, fault
	}
	s.watch.Changed(s.paths()...)
	s.current.Store(next)
	return s, nil
}

// paths are all files.
func (s *Source) paths() []string {
	lists, _ := listFiles(s.cfg.Categories) // reading them tells of the error
	return append(append([]string{}, s.cfg.Databases...), lists...)
}

// Run looks for files that change, until ctx ends.
func (s *Source) Run(ctx context.Context) error { return filewatch.Poll(ctx, s.Reload) }

// Reload reads the files again if one has changed.
func (s *Source) Reload() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.watch.Changed(s.paths()...) {
		return
	}
	next, faults := s.read(s.current.Load())
	for _, fault := range faults {
		s.log.Error("data about addresses cannot be read; what was there before stays", "error", fault)
	}
	s.current.Store(next)
	s.log.Info("data about addresses was read", "databases", len(next.databases), "categories", len(next.categories.files))
}

func (s *Source) read(old *content) (*content, []error) {
	next := &content{databases: map[string]*database{}, order: s.cfg.Databases, seed: maphash.MakeSeed()}
	var faults []error
	for _, path := range s.cfg.Databases {
		d, err := openDatabase(path)
		if err != nil {
			faults = append(faults, fmt.Errorf("database of addresses %s: %w", path, err))
			d = old.databases[path]
		}
		if d != nil {
			next.databases[path] = d
		}
	}
	categories, more := readCategories(s.cfg.Categories, old.categories)
	next.categories = categories
	return next, append(faults, more...)
}

// Lookup implements expr.IPDataSource; nil when nothing is known about the address.
func (s *Source) Lookup(a netip.Addr) *expr.IPData {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return nil
	}
	c := s.current.Load()
	slot := &c.cache[maphash.Comparable(c.seed, a)%cacheSize]
	if k := slot.Load(); k != nil && k.address == a {
		return k.data
	}
	k := &known{address: a, data: c.lookup(a)}
	slot.Store(k)
	return k.data
}

func (c *content) lookup(a netip.Addr) *expr.IPData {
	var d expr.IPData
	found := c.categories.lookup(a, &d)
	for _, path := range c.order {
		if db := c.databases[path]; db != nil && db.lookup(a, &d) {
			found = true
		}
	}
	if !found {
		return nil
	}
	return &d
}
