package search

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPatternIsItsRegexp holds the matcher against the expression it stands for.
func TestPatternIsItsRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genPattern(t)
		text := rapid.StringOfN(rapid.SampledFrom([]rune("aAbé%_\\*?-./ \n")), 0, 12, -1).Draw(t, "text")
		var re strings.Builder
		for _, piece := range p {
			switch piece.wild {
			case '*':
				re.WriteString("(?s:.*)")
			case '?':
				re.WriteString("(?s:.)")
			default:
				re.WriteString(regexp.QuoteMeta(piece.text))
			}
		}
		for _, anyCase := range []bool{false, true} {
			flags := map[bool]string{true: "(?i)"}[anyCase]
			want := regexp.MustCompile(flags + "^" + re.String() + "$").MatchString(text)
			if got := p.matches(text, anyCase); got != want {
				t.Fatalf("%v matches %q: %v, want %v", p, text, got, want)
			}
		}
	})
}

func TestLikeEscapes(t *testing.T) {
	p := literal(`50%_\`).addWild('*').addText("x").addWild('?')
	if got, want := p.like(), `50\%\_\\%x_`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
