package redact

import "strings"

// card looks at a number that begins at: digits, maybe in groups with a space or
// dash between them. It is a card's when length, issuer and check digit say so
// (ISO/IEC 7812-1). What is not is skipped as a whole.
func (s *scan) card(at int) (start, end int, rule string) {
	p := s.text
	var digits [20]byte
	n, i := 0, at
	for ; i < len(p); i++ {
		c := p[i]
		if '0' <= c && c <= '9' {
			if n < len(digits) {
				digits[n] = c - '0'
			}
			n++
			continue
		}
		if (c != ' ' && c != '-') || i+1 == len(p) || p[i+1] < '0' || p[i+1] > '9' || n == 0 || n > 16 {
			break
		}
	}
	if at > 0 && (classWord[p[at-1]] || p[at-1] == '.') || n > 19 {
		return at, max(i, at+1), ""
	}
	cut := s.more && i == len(p) && n >= 6 && n < 19 && couldBeCard(digits[:n])
	if cut || n >= 13 && isCard(digits[:n]) && (i == len(p) || !classWord[p[i]]) {
		return at, i, RuleCard
	}
	return at, first(p, at, i), ""
}

// first is the end of the first group of a number that is no card's: a card may
// begin with a later one.
func first(p []byte, at, end int) int {
	for i := at; i < end; i++ {
		if p[i] < '0' || p[i] > '9' {
			return i
		}
	}
	return end
}

// couldBeCard: a number that is cut off begins as those of issuers do.
func couldBeCard(d []byte) bool { return d[0] >= 3 && d[0] <= 6 }

func isCard(d []byte) bool {
	two, three, four := int(d[0])*10+int(d[1]), 0, 0
	three = two*10 + int(d[2])
	four = three*10 + int(d[3])
	var ok bool
	switch n := len(d); {
	case d[0] == 4:
		ok = n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720:
		ok = n == 16
	case two == 34 || two == 37:
		ok = n == 15
	case two == 36 || two == 38 || two == 39 || three >= 300 && three <= 305:
		ok = n == 14 || n == 16
	case four == 6011, two == 65, three >= 644 && three <= 649, two == 35, two == 62, two == 50, two >= 56 && two <= 58, two == 60, two == 63, two == 67:
		ok = n >= 16 && n <= 19
	}
	return ok && luhn(d)
}

// luhn checks the last digit (ISO/IEC 7812-1 annex B).
func luhn(d []byte) bool {
	total := 0
	for i := range d {
		v := int(d[len(d)-1-i])
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		total += v
	}
	return total%10 == 0
}

// plainOf is the value that a found text stands for: of a card's its digits.
func plainOf(rule, text string) string {
	if rule != RuleCard {
		return text
	}
	return strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, text)
}
