package search

import (
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"
)

// requireRoundTrip checks that the canonical form means the same and prints the same.
func requireRoundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, q *Query) {
	t.Helper()
	text := q.String()
	if len(text) > maxQuery {
		return
	}
	again, err := Parse(text)
	if err != nil {
		t.Fatalf("the canonical form %q does not parse: %v", text, err)
	}
	if !isCEL(text) && !reflect.DeepEqual(q.root, again.root) { // CEL has no ranges
		t.Fatalf("%q is another query:\n got %#v\nwant %#v", text, again.root, q.root)
	}
	if got := again.String(); got != text {
		t.Fatalf("%q prints as %q", text, got)
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range parsed {
		f.Add(tt.query)
	}
	for _, e := range examples {
		f.Add(e.query)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err != nil {
			var e *SyntaxError
			if !errors.As(err, &e) || e.Offset < 0 || e.Length < 0 || e.Offset+e.Length > len(text) {
				t.Fatalf("Parse(%q): bad error %#v", text, err)
			}
			return
		}
		if !utf8.ValidString(q.String()) {
			t.Fatalf("%q prints as invalid UTF-8", text)
		}
		requireRoundTrip(t, q)
	})
}
