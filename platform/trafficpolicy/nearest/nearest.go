// Package nearest finds the word that a misspelt one was probably meant to be,
// for "did you mean" hints. It compares short identifiers, not prose.
package nearest

import "strings"

// Word returns the candidate closest to word, or "" when none is close enough
// to be a likely slip.
func Word(word string, candidates []string) string {
	best, bestCost := "", limit(word)+1
	for _, c := range candidates {
		if c == word {
			continue
		}
		if strings.EqualFold(fold(c), fold(word)) {
			return c
		}
		if cost := distance(strings.ToLower(word), strings.ToLower(c)); cost < bestCost {
			best, bestCost = c, cost
		}
	}
	if best == "" {
		best = extension(word, candidates)
	}
	return best
}

// extension returns the only candidate that begins with word.
func extension(word string, candidates []string) string {
	found := ""
	for _, c := range candidates {
		if len(word) < 3 || c == word || !strings.HasPrefix(c, word) {
			continue
		}
		if found != "" {
			return ""
		}
		found = c
	}
	return found
}

// limit is how many edits still look like a slip.
func limit(word string) int {
	switch n := len(word); {
	case n <= 3:
		return 1
	case n <= 7:
		return 2
	default:
		return 3
	}
}

// fold makes the usual spellings of one name equal: rateLimit, rate_limit.
func fold(s string) string { return strings.NewReplacer("-", "", "_", "").Replace(s) }

// distance is the number of single-byte edits (insert, delete, replace, swap of
// neighbours) that turn a into b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
