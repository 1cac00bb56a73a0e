package route

import (
	"fmt"
	"strings"
)

type key struct{ scheme, host, port string }

func (a Address) key() key { return key{a.Scheme, a.Host, a.Port} }

// Table maps addresses to what is served there. It is built once and then only
// read, by any number of goroutines.
type Table[T any] struct {
	exact    map[key]T
	wildcard map[key]T
}

// New returns an empty table.
func New[T any]() *Table[T] {
	return &Table[T]{exact: map[key]T{}, wildcard: map[key]T{}}
}

// Add publishes v at a. An address serves one thing only.
func (t *Table[T]) Add(a Address, v T) error {
	m := t.exact
	if a.Wildcard {
		m = t.wildcard
	}
	if _, taken := m[a.key()]; taken {
		return fmt.Errorf("two endpoints have the address %s://%s (wildcard %t, port %q)", a.Scheme, a.Host, a.Wildcard, a.Port)
	}
	m[a.key()] = v
	return nil
}

// Find returns what serves scheme://hostField. The first of these wins: the exact
// host, then the wildcard with the most labels; each with the port that the
// client named, then, when that is the listener's own port, with the scheme's
// default: so "https://api.localhost" answers on a listener on port 8443.
func (t *Table[T]) Find(scheme, hostField, listenerPort string) (T, bool) {
	host, port := splitHost(hostField)
	host, port = normalHost(host), normalPort(scheme, port)
	fallback := port != "" && port == listenerPort

	if v, ok := find(t.exact, key{scheme, host, port}, fallback); ok {
		return v, true
	}
	if len(t.wildcard) == 0 {
		var none T
		return none, false
	}
	for rest := parent(host); rest != ""; rest = parent(rest) {
		if v, ok := find(t.wildcard, key{scheme, rest, port}, fallback); ok {
			return v, true
		}
	}
	var none T
	return none, false
}

func find[T any](m map[key]T, k key, fallback bool) (T, bool) {
	v, ok := m[k]
	if !ok && fallback {
		k.port = ""
		v, ok = m[k]
	}
	return v, ok
}

// parent is host without its first label, "" at the end.
func parent(host string) string {
	_, rest, _ := strings.Cut(host, ".")
	return rest
}
