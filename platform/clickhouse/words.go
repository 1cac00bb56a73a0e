package clickhouse

import (
	"slices"
	"strings"

	"sluice.dev/platform/clickhouse/internal/sqltext"
)

// words are a statement's tokens in upper case.
func words(statement string) []string {
	var words []string
	l := &sqltext.Lexer{SQL: statement}
	for t := l.Next(); t.Text != ""; t = l.Next() {
		words = append(words, strings.ToUpper(t.Text))
	}
	return words
}

func startsWith(words []string, phrase ...string) bool {
	return len(words) >= len(phrase) && slices.Equal(words[:len(phrase)], phrase)
}

func containsPhrase(words, phrase []string) bool {
	for i := range words {
		if startsWith(words[i:], phrase...) {
			return true
		}
	}
	return false
}
