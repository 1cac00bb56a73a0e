package certs

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"maps"
	"slices"
	"strings"
	"time"
)

// shelf finds certificates by name. It is never changed.
type shelf struct {
	byFile map[string]*tls.Certificate
	byName map[string][]*tls.Certificate // "*.example.com" for wildcards; the best first
	forAll *tls.Certificate              // nil for none
}

func newShelf(byFile map[string]*tls.Certificate, forAll *tls.Certificate, now time.Time) *shelf {
	s := &shelf{byFile: byFile, byName: map[string][]*tls.Certificate{}, forAll: forAll}
	for _, file := range slices.Sorted(maps.Keys(byFile)) { // of two that are alike, always the same
		for _, name := range namesOf(byFile[file].Leaf) {
			s.byName[name] = append(s.byName[name], byFile[file])
		}
	}
	for _, list := range s.byName {
		slices.SortStableFunc(list, func(a, b *tls.Certificate) int { return better(a, b, now) })
	}
	return s
}

// better puts valid certificates before others, then those that last longer, then
// those with the longer chain.
func better(a, b *tls.Certificate, now time.Time) int {
	begun := func(c *tls.Certificate) int {
		if now.Before(c.Leaf.NotBefore) {
			return 1
		}
		return 0
	}
	return cmp.Or(begun(a)-begun(b), b.Leaf.NotAfter.Compare(a.Leaf.NotAfter), cmp.Compare(len(b.Certificate), len(a.Certificate)))
}

// namesOf are those that a certificate is for, as they are looked up.
func namesOf(leaf *x509.Certificate) []string {
	var out []string
	for _, name := range leaf.DNSNames {
		out = append(out, normal(name))
	}
	for _, ip := range leaf.IPAddresses {
		out = append(out, ip.String())
	}
	if len(out) == 0 && leaf.Subject.CommonName != "" {
		out = append(out, normal(leaf.Subject.CommonName))
	}
	return out
}

// find looks for the exact name, then for the wildcard one level above it (RFC 6125
// section 6.4.3), then for what is shown to all.
func (s *shelf) find(name string, hello *tls.ClientHelloInfo) *tls.Certificate {
	if c := choose(s.byName[name], hello); c != nil {
		return c
	}
	if _, parent, ok := strings.Cut(name, "."); ok {
		if c := choose(s.byName["*."+parent], hello); c != nil {
			return c
		}
	}
	return s.forAll
}

// choose is the best one that the client understands, such as of two with keys of
// different kinds.
func choose(list []*tls.Certificate, hello *tls.ClientHelloInfo) *tls.Certificate {
	for _, c := range list {
		if hello.SupportsCertificate(c) == nil {
			return c
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return nil
}
