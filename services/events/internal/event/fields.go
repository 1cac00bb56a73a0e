package event

import (
	"slices"
	"strings"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Field is one path within the object of an http_request_complete.v0 event.
type Field struct {
	Path string
	Doc  string
	// Recorded is false for fields of the published schema for which Sluice has no
	// data yet: they may be selected and never appear.
	Recorded bool
	// value returns nil when the exchange has none: the field is left out then.
	value func(*capturev1.Exchange) any
}

// Fields returns the schema in alphabetical order of the paths.
func Fields() []Field { return slices.Clone(fields) }

func recorded(path, doc string, value func(*capturev1.Exchange) any) Field {
	return Field{Path: path, Doc: doc, Recorded: true, value: value}
}

func known(path, doc string) Field {
	return Field{Path: path, Doc: doc, value: func(*capturev1.Exchange) any { return nil }}
}

// fields is the schema, in order.
var fields = slices.SortedFunc(slices.Values(slices.Concat(connFields, httpFields, gatewayFields)), func(a, b Field) int { return strings.Compare(a.Path, b.Path) })

// text, number: an empty value is no value.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func number[N uint32 | uint64](n N) any {
	if n == 0 {
		return nil
	}
	return n
}

func millis(d time.Duration) any { return float64(d.Nanoseconds()) / 1e6 }

func stamp(t time.Time) any { return t.UTC().Format(time.RFC3339Nano) }
