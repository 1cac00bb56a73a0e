// Package id makes identifiers: a prefix that names the kind of resource, "_",
// and 26 characters (a ULID) that sort by the time of their making.
package id

import (
	"crypto/rand"
	"strings"
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
	return string(p) + "_" + ulid.MustNew(ulid.Timestamp(t), rand.Reader).String()
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
