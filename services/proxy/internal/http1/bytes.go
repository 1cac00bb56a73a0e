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
