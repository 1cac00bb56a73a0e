package routes

import (
	"unicode"
	"unicode/utf8"
)

// shape is what a text looks like: how many characters of which kind, and in how many
// runs of one kind. Words have long runs, tokens short ones.
type shape struct {
	length, digits, upper, lower, runs int
	separators                         int // - and _
	hex                                bool
	odd                                bool // characters that URLs encode, or not UTF-8
	other                              bool // punctuation beside the separators
}

type kind int

const (
	none kind = iota
	digit
	upper
	lower
)

func shapeOf(text string) shape {
	s := shape{hex: true}
	last := none
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
			s.odd = s.odd || c == utf8.RuneError && size == 1
		}
		i += size
		s.length++
		now := s.add(c)
		if now != none && now != last {
			s.runs++
		}
		last = now
	}
	return s
}

// add counts a character.
func (s *shape) add(c rune) kind {
	switch {
	case '0' <= c && c <= '9':
		s.digits++
		return digit
	case 'a' <= c && c <= 'z':
		s.lower++
		s.hex = s.hex && c <= 'f'
		return lower
	case 'A' <= c && c <= 'Z':
		s.upper++
		s.hex = s.hex && c <= 'F'
		return upper
	}
	s.hex = false
	switch {
	case c == '-' || c == '_':
		s.separators++
	case c < utf8.RuneSelf && isPunctuation(byte(c)):
		s.other = true
	case unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c):
		s.lower++
		return lower
	default:
		s.odd = true
	}
	return none
}

// isPunctuation reports whether a path may have c as it is (RFC 3986, 3.3).
func isPunctuation(c byte) bool {
	switch c {
	case '.', '~', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', ':', '@':
		return true
	}
	return false
}

// dense reports whether runs are shorter than tenths/10 characters on average.
func (s shape) dense(tenths int) bool { return s.runs*tenths > (s.digits+s.upper+s.lower)*10 }
