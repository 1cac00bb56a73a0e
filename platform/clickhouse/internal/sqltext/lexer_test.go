package sqltext_test

import (
	"slices"
	"testing"

	"sluice.dev/platform/clickhouse/internal/sqltext"
)

func TestTokens(t *testing.T) {
	for sql, want := range map[string][]string{
		"SELECT a,b":                  {"SELECT", "a", ",", "b"},
		"'it''s' 'a\\'b' `c d` \"e\"": {"'it''s'", "'a\\'b'", "`c d`", `"e"`},
		"a -- x;\n/* ; */ # y\n b#!z": {"a", "b"},
		"x -- no line end":            {"x"},
		"/* never closed":             nil,
		"'never closed":               {"'never closed"},
		"é{p:String}":                 {"é", "{", "p", ":", "String", "}"},
		"1.5e3 $x$":                   {"1", ".", "5e3", "$x$"},
	} {
		var got []string
		l := &sqltext.Lexer{SQL: sql}
		for token := l.Next(); token.Text != ""; token = l.Next() {
			if sql[token.Start:token.End] != token.Text {
				t.Errorf("%q: token %+v is not where it says", sql, token)
			}
			got = append(got, token.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", sql, got, want)
		}
	}
}

func TestStatements(t *testing.T) {
	script := ";; -- first;\nSELECT ';' ; \n\nSELECT 2 /* ; */ + 1\n;\n-- nothing more;\n"
	want := []string{"SELECT ';'", "SELECT 2 /* ; */ + 1"}
	if got := sqltext.Statements(script); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIdentifiersLoseTheirQuotes(t *testing.T) {
	for written, want := range map[string]string{"a": "a", "`b c`": "b c", `"d""e"`: `d"e`, "`f\\`g`": "f`g"} {
		l := &sqltext.Lexer{SQL: written}
		if got := l.Next().Identifier(); got != want {
			t.Errorf("%s is %q, want %q", written, got, want)
		}
	}
}
