// Package id makes identifiers: a prefix that names the kind of resource, "_",
// and 26 characters (a ULID) that sort by the time of their making.
package id

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// Prefix names a kind of resource.
type Prefix string

// The kinds.
const (
	Endpoint          Prefix = "ep"
	APIKey            Prefix = "ak"
	Exchange          Prefix = "ex"
	EventDestination  Prefix = "ed"
	EventSubscription Prefix = "esb"
	Event             Prefix = "ev"
	Monitor           Prefix = "mon"
	Transition        Prefix = "mtr"
	Channel           Prefix = "nch"
	Dashboard         Prefix = "dsh"
	Batch             Prefix = "bat"
	Proxy             Prefix = "px"
	Vault             Prefix = "vault"
	Secret            Prefix = "secret"
	View              Prefix = "vw"
	RouteRule         Prefix = "rt"
)

// New returns a new id of this kind. Ids of one process sort in the order in
// which they were made, to the millisecond.
func (p Prefix) New() string { return p.At(time.Now()) }

// At returns a new id that sorts at t.
func (p Prefix) At(t time.Time) string {
	source := sources.Get().(*source)
	var u ulid.ULID
	err := errors.Join(u.SetTime(ulid.Timestamp(t)), u.SetEntropy(source.next()))
	sources.Put(source)
	if err != nil {
		panic(err) // only a time after the year 10889 can cause it
	}
	var text [64]byte
	out := append(append(text[:0], p...), '_')
	out = out[:len(out)+ulid.EncodedSize]
	if err := u.MarshalTextTo(out[len(out)-ulid.EncodedSize:]); err != nil {
		panic(err) // only a wrong length can cause it
	}
	return string(out)
}

// entropySize is how many random bytes an id has.
const entropySize = 10

// source has random bytes for some ids: to get them together costs little more than
// to get those for one.
type source struct {
	bytes [64 * entropySize]byte
	left  []byte
}

var sources = sync.Pool{New: func() any { return new(source) }}

func (s *source) next() []byte {
	if len(s.left) == 0 {
		_, _ = rand.Read(s.bytes[:]) // it never fails
		s.left = s.bytes[:]
	}
	out := s.left[:entropySize]
	s.left = s.left[entropySize:]
	return out
}

// Valid reports whether s is an id of this kind.
func (p Prefix) Valid(s string) bool {
	rest, ok := strings.CutPrefix(s, string(p)+"_")
	if !ok {
		return false
	}
	_, err := ulid.ParseStrict(rest)
	return err == nil
}

// Time returns when the id was made, to the millisecond; the zero time when s is
// not an id of this kind.
func (p Prefix) Time(s string) time.Time {
	u, err := ulid.ParseStrict(strings.TrimPrefix(s, string(p)+"_"))
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(u.Time())
}
