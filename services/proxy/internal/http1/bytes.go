package http1

import "strings"

// Classes of bytes.
const (
	isToken  = 1 << iota // RFC 9110 section 5.6.2
	isValue              // may stand in a field value (RFC 9110 section 5.5)
	isTarget             // may stand in a request target as we take it
	isName               // may stand in the host of an authority as we take it
	isDigit
)

var class = func() (t [256]uint8) {
	for i := range t {
		c := byte(i)
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		visible := ' ' < c && c != 0x7f
		set := func(is bool, bit uint8) {
			if is {
				t[i] |= bit
			}
		}
		set(alnum || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0, isToken)
		set(visible || c == ' ' || c == '\t', isValue)
		set(visible && c != '#', isTarget)
		set(alnum || strings.IndexByte("-._~", c) >= 0, isName)
		set('0' <= c && c <= '9', isDigit)
	}
	return t
}()

// all reports whether every byte of s is of the class.
func all(s string, of uint8) bool {
	for i := 0; i < len(s); i++ {
		if class[s[i]]&of == 0 {
			return false
		}
	}
	return true
}

// validValue reports whether s may be a field value: all(s, isValue), eight bytes at
// a time.
func validValue(s string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(s) >= 8 {
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		y := x ^ 0x7f*ones
		// The top bit of a byte is set where x is below a space, or y is 0.
		if ((x-' '*ones)&^x|(y-ones)&^y)&tops != 0 && !all(s[:8], isValue) {
			return false // a tab only looks like one at first
		}
		s = s[8:]
	}
	return all(s, isValue)
}

// hexValue is the value of a hex digit, or 16 and more.
func hexValue(c byte) uint64 {
	switch {
	case '0' <= c && c <= '9':
		return uint64(c - '0')
	case 'a' <= c && c <= 'f':
		return uint64(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return uint64(c-'A') + 10
	}
	return 16
}

// trimSpace drops spaces and tabs at both ends (OWS, RFC 9110 section 5.6.3).
func trimSpace(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// equalFold compares s with lower, which is in lower case, without regard to
// ASCII case.
func equalFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
