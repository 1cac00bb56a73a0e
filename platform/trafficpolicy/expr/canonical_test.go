package expr_test

import (
	"testing"

	"sluice.dev/platform/trafficpolicy/expr"
)

// TestCanonicalTellsValuesApart: equal texts for equal values, different ones for
// different values.
func TestCanonicalTellsValuesApart(t *testing.T) {
	tests := []struct{ source, want string }{
		{`'a'`, `"a"`}, {`['a']`, `["a"]`}, {`req.headers['x-api-key']`, `["k1","k2"]`}, {`dyn([1, 'a'])`, `[1,"a"]`},
		{`1`, `1`}, {`1.0`, `1`}, {`1u`, `1`}, {`1.5`, `1.5`}, {`true`, `true`}, {`'true'`, `"true"`}, {`null`, `null`},
		{`'a"b'`, `"a\"b"`}, {`'ä'`, `"ä"`}, {`b'a'`, `b(YQ==)`}, {`duration('90s')`, `d(1m30s)`},
		{`timestamp('2026-01-02T03:04:05Z')`, `t(2026-01-02T03:04:05Z)`}, {`'t(2026-01-02T03:04:05Z)'`, `"t(2026-01-02T03:04:05Z)"`},
		{`{'b': 1, 'a': [2]}`, `{"a":[2],"b":1}`},
	}
	for _, tt := range tests {
		val, err := eval(t, tt.source)
		if err != nil {
			t.Fatal(tt.source, err)
		}
		if got := string(expr.AppendCanonical(nil, val)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.source, got, tt.want)
		}
	}
}
