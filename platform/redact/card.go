package redact

import "strings"

// card looks at a number that begins at: digits, maybe in groups as they are
// printed on cards, with a space or dash between them. It is a card's when length,
// issuer and check digit say so (ISO/IEC 7812-1).
func (s *scan) card(at int) (start, end int, rule string) {
	p := s.text
	first := at + digitsAt(p, at)
	if at > 0 && (classWord[p[at-1]] || p[at-1] == '.') || first-at > 19 {
		return at, first, ""
	}
	grouped := first-at == 4 && first < len(p) && (p[first] == ' ' || p[first] == '-')
	if !grouped && first-at < 13 && !(s.more && first == len(p)) {
		return at, first, ""
	}
	var groups [5]int // where each ends
	groups[0] = first
	n := 1
	if grouped {
		for ; n < len(groups); n++ {
			last := groups[n-1]
			if last >= len(p) || p[last] != p[first] || digitsAt(p, last+1) == 0 {
				break
			}
			groups[n] = last + 1 + digitsAt(p, last+1)
		}
	}
	var digits [24]byte
	for ; n > 0; n-- {
		end := groups[n-1]
		d := onlyDigits(digits[:0], p[at:end])
		cut := s.more && end == len(p) && len(d) >= 6 && len(d) < 19 && couldBeCard(d)
		if cut || printed(groups[:n]) && len(d) >= 13 && len(d) <= 19 && isCard(d) && (end == len(p) || !classWord[p[end]]) {
			return at, end, RuleCard
		}
	}
	return at, first, ""
}

// digitsAt is how many digits stand at a position.
func digitsAt(p []byte, at int) int {
	n := 0
	for at+n < len(p) && '0' <= p[at+n] && p[at+n] <= '9' {
		n++
	}
	return n
}

// printed reports whether groups are as on cards: all digits together, by four, or
// as 4-6-5 and 4-6-4.
func printed(ends []int) bool {
	size := func(i int) int { return ends[i] - ends[i-1] - 1 }
	switch len(ends) {
	case 1:
		return true
	case 3:
		return size(1) == 6 && (size(2) == 5 || size(2) == 4)
	case 4, 5:
		last := len(ends) - 1
		return size(1) == 4 && size(2) == 4 && (last == 3 || size(3) == 4) && size(last) <= 4
	}
	return false
}

func onlyDigits(into, p []byte) []byte {
	for _, c := range p {
		if '0' <= c && c <= '9' && len(into) < cap(into) {
			into = append(into, c-'0')
		}
	}
	return into
}

// couldBeCard: a number that is cut off begins as those of issuers do.
func couldBeCard(d []byte) bool { return d[0] >= 3 && d[0] <= 6 }

func isCard(d []byte) bool {
	two := int(d[0])*10 + int(d[1])
	three := two*10 + int(d[2])
	four := three*10 + int(d[3])
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
