package native

import "testing"

func TestUnquoteParam(t *testing.T) {
	for dump, want := range map[string]string{
		`'a'`:          `a`,
		`''`:           ``,
		`'it\'s'`:      `it's`,
		`'a\\\\b'`:     `a\\b`, // a backslash, escaped for TSV and then for the dump
		`'a\\tb'`:      `a\tb`, // a tab, the same
		`'\\\\\'n\\n'`: `\\'n\n`,
		`12`:           `12`,
	} {
		if got := unquoteParam(dump); got != want {
			t.Errorf("unquoteParam(%s) = %s, want %s", dump, got, want)
		}
	}
}
