package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is text with wildcards: the pieces of a word in order. Neighbouring
// texts are one piece, and so are neighbouring asterisks.
type pattern []piece

// piece is text or, if wild is set, a wildcard: '*' any run, '?' one character.
type piece struct {
	text string
	wild byte
}

func literal(text string) pattern {
	if text == "" {
		return nil
	}
	return pattern{{text: text}}
}

// text returns the whole pattern if it has no wildcard.
func (p pattern) text() (string, bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].wild == 0:
		return p[0].text, true
	}
	return "", false
}

// anything reports whether the pattern is the lone asterisk.
func (p pattern) anything() bool { return len(p) == 1 && p[0].wild == '*' }

// prefix returns the text of "text*".
func (p pattern) prefix() (string, bool) {
	if len(p) == 2 && p[0].wild == 0 && p[1].wild == '*' {
		return p[0].text, true
	}
	return "", false
}

// fold applies f to the text.
func (p pattern) fold(f func(string) string) pattern {
	folded := make(pattern, len(p))
	for i, piece := range p {
		folded[i] = piece
		if piece.wild == 0 {
			folded[i].text = f(piece.text)
		}
	}
	return folded
}

func (p pattern) addText(text string) pattern {
	if n := len(p); n > 0 && p[n-1].wild == 0 {
		p[n-1].text += text
		return p
	}
	return append(p, piece{text: text})
}

func (p pattern) addWild(wild byte) pattern {
	if n := len(p); n > 0 && wild == '*' && p[n-1].wild == '*' {
		return p
	}
	return append(p, piece{wild: wild})
}

// within lets the pattern stand anywhere in the text.
func (p pattern) within() pattern {
	open := pattern{{wild: '*'}}
	for _, piece := range p {
		if piece.wild != 0 {
			open = open.addWild(piece.wild)
		} else {
			open = open.addText(piece.text)
		}
	}
	return open.addWild('*')
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// like is the pattern as the right side of LIKE.
func (p pattern) like() string {
	var b strings.Builder
	for _, piece := range p {
		switch piece.wild {
		case '*':
			b.WriteByte('%')
		case '?':
			b.WriteByte('_')
		default:
			b.WriteString(likeEscaper.Replace(piece.text))
		}
	}
	return b.String()
}

// Wildcards among the runes of a pattern; no text has them.
const (
	anyRun  rune = -1
	anyRune rune = -2
)

func (p pattern) runes(fold func(rune) rune) []rune {
	var runes []rune
	for _, piece := range p {
		switch piece.wild {
		case '*':
			runes = append(runes, anyRun)
		case '?':
			runes = append(runes, anyRune)
		default:
			for _, r := range piece.text {
				runes = append(runes, fold(r))
			}
		}
	}
	return runes
}

// matches reports whether the pattern covers all of text, as LIKE does or, with
// anyCase, ILIKE. It backs up only to the last asterisk: O(len(p)·len(text)).
//
// As in ClickHouse, bytes that are not UTF-8 are no characters: of the wildcards
// only an asterisk at either end covers them.
func (p pattern) matches(text string, anyCase bool) bool {
	fold := asItIs
	if anyCase {
		fold = foldRune
	}
	want := p.runes(fold)
	i, pos := 0, 0          // next of want, next of text
	backI, backPos := -1, 0 // after the last asterisk, and where it began to match
	for pos < len(text) {
		r, size := utf8.DecodeRuneInString(text[pos:])
		switch {
		case i < len(want) && want[i] == anyRun:
			if i++; i == len(want) {
				return true
			}
			backI, backPos = i, pos
		case r == utf8.RuneError && size == 1:
			if len(want) == 0 || want[0] != anyRun {
				return false
			}
			pos++
			i, backI, backPos = 1, 1, pos
		case i < len(want) && (want[i] == anyRune || want[i] == fold(r)):
			i++
			pos += size
		case backI >= 0:
			_, size := utf8.DecodeRuneInString(text[backPos:])
			backPos += size
			i, pos = backI, backPos
		default:
			return false
		}
	}
	for i < len(want) && want[i] == anyRun {
		i++
	}
	return i == len(want)
}

func asItIs(r rune) rune { return r }

// foldRune is how ClickHouse compares without case, but for the few letters that
// have three forms, such as the final sigma: there it is not of one mind itself.
func foldRune(r rune) rune { return unicode.ToLower(r) }
