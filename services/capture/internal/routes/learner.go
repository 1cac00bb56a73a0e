package routes

import (
	"strings"
	"sync"
)

const (
	// manyNames is how many different names one place may have: the APIs of people
	// have fewer, and parameters more.
	manyNames = 100
	// A name that at least one request in twenty has stays a name, as "me" does in
	// /users/me.
	frequent = 20
	// maxNames bounds the names that stay.
	maxNames = 20
	// maxBranches bounds what is counted by one process; what goes beyond is not
	// learned.
	maxBranches = 200_000
)

// place is where a parameter was found, and which names are not one.
type place struct {
	endpoint, prefix string
	names            []string
}

// learner counts the different names at each place. It keeps them in memory only:
// what it finds is what lasts.
type learner struct {
	mu        sync.Mutex
	endpoints map[string]*branch
	branches  int
}

// branch is a place with what comes after it.
type branch struct {
	children map[string]*branch
	names    int // children that are names
	passed   uint64
	found    bool
}

// observe counts a path along its way and returns the first place that turned out to
// be a parameter.
func (l *learner) observe(endpoint, path string, w *wild) (p place, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.endpoints == nil {
		l.endpoints = map[string]*branch{}
	}
	b := l.endpoints[endpoint]
	if b == nil {
		b = &branch{}
		l.endpoints[endpoint] = b
	}
	var room [maxSegments]string
	way := room[:0]
	template(w, path, func(name string, isName bool) bool {
		next := l.step(b, name, isName)
		if b.names > manyNames && !b.found {
			p, found = place{endpoint, prefixOf(way), b.frequentNames()}, true
			l.forget(b)
			return false
		}
		way, b = append(way, name), next
		return b != nil
	})
	return p, found
}

func prefixOf(way []string) (prefix string) {
	for _, name := range way {
		prefix += "/" + name
	}
	return prefix
}

// step goes on to a child, which is nil when there is no room for it.
func (l *learner) step(b *branch, name string, isName bool) *branch {
	b.passed++
	child := b.children[name]
	if child == nil {
		if l.branches >= maxBranches || b.found && isName {
			return nil
		}
		if b.children == nil {
			b.children = map[string]*branch{}
		}
		child = &branch{}
		b.children[strings.Clone(name)] = child // not the whole path
		l.branches++
		if isName {
			b.names++
		}
	}
	child.passed++
	return child
}

func (b *branch) frequentNames() []string {
	var names []string
	for name, child := range b.children {
		if child.passed*frequent >= b.passed && len(names) < maxNames && name != parameter {
			names = append(names, name)
		}
	}
	return names
}

// forget drops what lies behind a place that is a parameter.
func (l *learner) forget(b *branch) {
	l.branches -= b.size()
	*b = branch{found: true}
}

// size counts the branches below.
func (b *branch) size() int {
	n := len(b.children)
	for _, child := range b.children {
		n += child.size()
	}
	return n
}
