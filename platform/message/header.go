package message

import "strings"

// Field is one header line: the name as it stands on the wire, and its value
// without surrounding white space.
type Field struct{ Name, Value string }

// Header is a list of header lines in wire order. Names are compared without
// regard to ASCII case (RFC 9110 section 5.1) and keep the spelling they came
// with. The zero value is an empty header. A Header is not safe for concurrent
// changes.
type Header []Field

// Get returns the first value of name, or "".
func (h Header) Get(name string) string {
	for i := range h {
		if EqualName(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Has reports whether there is a line with this name, even an empty one.
func (h Header) Has(name string) bool {
	for i := range h {
		if EqualName(h[i].Name, name) {
			return true
		}
	}
	return false
}

// Values returns every value of name in wire order, or nil.
func (h Header) Values(name string) []string {
	var out []string
	for i := range h {
		if EqualName(h[i].Name, name) {
			out = append(out, h[i].Value)
		}
	}
	return out
}

// Count returns how many lines have this name.
func (h Header) Count(name string) int {
	n := 0
	for i := range h {
		if EqualName(h[i].Name, name) {
			n++
		}
	}
	return n
}

// Len returns the number of lines.
func (h Header) Len() int { return len(h) }

// Add appends a line; lines of the same name stay.
func (h *Header) Add(name, value string) { *h = append(*h, Field{Name: name, Value: value}) }

// Set gives name exactly one value: the first line of that name keeps its place
// and takes the value and this spelling, further ones are removed.
func (h *Header) Set(name, value string) {
	for i := range *h {
		if EqualName((*h)[i].Name, name) {
			(*h)[i] = Field{Name: name, Value: value}
			rest := (*h)[i+1:]
			*h = (*h)[:i+1+len(removed(rest, name))]
			return
		}
	}
	h.Add(name, value)
}

// Del removes every line of this name and reports how many there were.
func (h *Header) Del(name string) int {
	before := len(*h)
	*h = removed(*h, name)
	return before - len(*h)
}

// removed compacts h in place and clears what is left over, so that no value
// stays reachable by accident.
func removed(h Header, name string) Header {
	kept := h[:0]
	for _, f := range h {
		if !EqualName(f.Name, name) {
			kept = append(kept, f)
		}
	}
	clear(h[len(kept):])
	return kept
}

// Clone returns a copy that shares nothing with h.
func (h Header) Clone() Header {
	if h == nil {
		return nil
	}
	out := make(Header, len(h))
	copy(out, h)
	return out
}

// Names returns the distinct names in lower case, in order of first appearance.
func (h Header) Names() []string {
	out := make([]string, 0, len(h))
	for i := range h {
		if h[:i].Has(h[i].Name) {
			continue
		}
		out = append(out, strings.ToLower(h[i].Name))
	}
	return out
}

// EqualName compares two field names without regard to ASCII case.
func EqualName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if x, y := a[i], b[i]; x != y && lower(x) != lower(y) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// ValidName reports whether s is a token (RFC 9110 section 5.6.2), the grammar
// of field names.
func ValidName(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !tokenChar(s[i]) {
			return false
		}
	}
	return true
}

func tokenChar(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// ValidValue reports whether s may be a field value (RFC 9110 section 5.5): no
// control characters but tab, so that no value can start a new line.
func ValidValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
