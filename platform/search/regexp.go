package search

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// Regular expressions come from the form in CEL only. Those that say no more than
// wildcards do become such; the others go to ClickHouse as a parameter, in the
// spelling of Go's parser, which RE2 reads alike. A text that is not UTF-8 may match
// differently in the two.

const (
	maxRegexp      = 512  // bytes
	maxRegexpSteps = 1500 // instructions of its program
)

// matches holds a regular expression against the value.
type matches struct{ expr *regexp.Regexp }

func (matches) isTest() {}

// regexpTest is the test that a regular expression stands for; searched anywhere in
// the text unless it has anchors.
func regexpTest(text string) (test, error) {
	if len(text) > maxRegexp {
		return nil, &valueError{message: "a regular expression may have at most 512 bytes"}
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, &valueError{message: "no regular expression: " + strings.TrimPrefix(err.Error(), "error parsing regexp: "), expected: "a regular expression as RE2 reads it"}
	}
	if p, ok := asPattern(parsed); ok {
		return patternTest(p), nil
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxRegexpSteps {
		return nil, &valueError{message: "the regular expression is too large", hint: "repeat less"}
	}
	expr, err := regexp.Compile(parsed.String())
	if err != nil {
		return nil, &valueError{message: "no regular expression: " + err.Error()}
	}
	return matches{expr}, nil
}

// patternTest is the test for a whole value.
func patternTest(p pattern) test {
	if p.anything() {
		return exists{}
	}
	if text, plain := p.text(); plain {
		return equal{value{text: text}}
	}
	return glob{p}
}

// asPattern turns texts, (?s:.*) and (?s:.) into a pattern with wildcards.
func asPattern(r *syntax.Regexp) (p pattern, ok bool) {
	parts := []*syntax.Regexp{r}
	if r.Op == syntax.OpConcat {
		parts = r.Sub
	}
	if len(parts) > 0 && parts[0].Op == syntax.OpBeginText {
		parts = parts[1:]
	} else {
		p = p.addWild('*')
	}
	open := len(parts) == 0 || parts[len(parts)-1].Op != syntax.OpEndText
	if !open {
		parts = parts[:len(parts)-1]
	}
	for _, part := range parts {
		switch {
		case part.Op == syntax.OpLiteral && part.Flags&syntax.FoldCase == 0:
			p = p.addText(string(part.Rune))
		case part.Op == syntax.OpStar && part.Sub[0].Op == syntax.OpAnyChar:
			p = p.addWild('*')
		case part.Op == syntax.OpAnyChar:
			p = p.addWild('?')
		case part.Op != syntax.OpEmptyMatch:
			return nil, false
		}
	}
	if open {
		p = p.addWild('*')
	}
	return p, true
}

// regexp is the pattern as an expression for the whole value.
func (p pattern) regexp() string {
	var b strings.Builder
	b.WriteString("(?s)^")
	for _, piece := range p {
		switch piece.wild {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(piece.text))
		}
	}
	b.WriteByte('$')
	return b.String()
}
