package search

import (
	"slices"
	"strings"
	"unicode"
)

// target is what stands before the colon: a field, or text to look for words in.
type target struct {
	ref        ref
	inText     bool
	everywhere bool

	name string // as it was written, less brackets and escapes
}

// clause is [ field ":" ] value.
func (p *parser) clause() (node, error) {
	start := p.pos
	switch {
	case p.eat("_exists_:"):
		return p.existence(false)
	case p.eat("_missing_:"):
		return p.existence(true)
	}
	t := target{inText: true, everywhere: true, name: "*"}
	if !p.eat("*:") {
		name, ok := p.field()
		if !ok {
			return p.freeText()
		}
		var err error
		if t, err = p.target(name, start, p.pos-1); err != nil {
			return nil, err
		}
	}
	return p.valueAfterColon(t, start)
}

// valueAfterColon checks what only a value directly after a field may be.
func (p *parser) valueAfterColon(t target, start int) (node, error) {
	if r, size := p.peek(); size == 0 || unicode.IsSpace(r) {
		return nil, &SyntaxError{Offset: p.pos, Length: size, Message: "no value stands after " + p.query[start:p.pos], Expected: "a value", Hint: "remove the space after the colon; or quote the term to search for its text"}
	}
	if r, _ := p.peek(); r == '!' || r == '-' && !p.signed() {
		return nil, &SyntaxError{Offset: p.pos, Length: 1, Message: "a value cannot be negated here", Expected: "a value", Hint: "put the " + string(r) + " before the field, or quote the value"}
	}
	return p.value(t)
}

// signed reports whether a number follows the "-" that stands here.
func (p *parser) signed() bool {
	rest := p.query[p.pos+1:]
	return rest != "" && '0' <= rest[0] && rest[0] <= '9'
}

// target resolves the field that was written from start to end.
func (p *parser) target(name string, start, end int) (target, error) {
	t := target{name: name}
	if name == "message" {
		t.inText = true
		return t, nil
	}
	var known bool
	t.ref, known = resolve(name)
	if !known && !slices.Contains(p.unknown, name) {
		p.unknown = append(p.unknown, name)
	}
	if known && t.ref.field.Unsupported != "" {
		return t, &SyntaxError{
			Offset: start, Length: end - start, code: codeUnsupported,
			Message: name + " cannot be searched: " + t.ref.field.Unsupported, Hint: "remove this term",
		}
	}
	return t, nil
}

// existence reads the field after _exists_: or _missing_:.
func (p *parser) existence(missing bool) (node, error) {
	w, err := p.bare(false)
	if err != nil {
		return nil, err
	}
	name, ok := w.pattern.text()
	if !ok || name == "" {
		return nil, &SyntaxError{Offset: w.pos, Length: w.end - w.pos, Message: "no field name stands after the colon", Expected: "a field name"}
	}
	if _, known := resolve(name); !known && !strings.HasPrefix(name, "@") {
		if _, known := resolve("@" + name); known {
			name = "@" + name
		}
	}
	t, err := p.target(name, w.pos, w.end)
	if err != nil {
		return nil, err
	}
	n, err := p.matching(t, word{pattern: pattern{{wild: '*'}}, pos: w.pos, end: w.end})
	if err != nil || !missing {
		return n, err
	}
	return negate(n), nil
}

func (p *parser) freeText() (node, error) {
	t := target{inText: true}
	if p.has(`"`) {
		w, err := p.phrase()
		if err != nil {
			return nil, err
		}
		return p.matching(t, w)
	}
	w, err := p.bare(true)
	if err != nil {
		return nil, err
	}
	p.warnLowerCase(w)
	return p.matching(t, w)
}

// warnLowerCase notices the operators of other languages.
func (p *parser) warnLowerCase(w word) {
	if raw := p.raw(w); raw == "and" || raw == "or" || raw == "not" {
		upper := strings.ToUpper(raw)
		p.warnings = append(p.warnings, Warning{w.pos, w.end - w.pos, raw + " is searched as a word; did you mean " + upper + "?"})
	}
}

// value is what may stand after the colon, or in a group there.
func (p *parser) value(t target) (node, error) {
	inGroup := func() (node, error) { return p.value(t) }
	r, size := p.peek()
	switch {
	case size == 0 || p.atOperator() || r == ')' || r == ']' || r == '}':
		return nil, p.unexpected("a value")
	case r == '(':
		return p.group(inGroup)
	case r == '<' || r == '>':
		return p.comparison(t)
	case r == '[' || r == '{':
		return p.span(t)
	}
	w, err := p.simple()
	if err != nil {
		return nil, err
	}
	return p.matching(t, w)
}

// simple is a phrase or a bare word.
func (p *parser) simple() (word, error) {
	if p.has(`"`) {
		return p.phrase()
	}
	w, err := p.bare(false)
	if err == nil && w.pos == w.end {
		err = p.unexpected("a value")
	}
	return w, err
}

// comparison is an operator and its operand.
func (p *parser) comparison(t target) (node, error) {
	start := p.pos
	high := p.has("<")
	p.pos++
	inclusive := p.eat("=")
	if p.atOperator() {
		return nil, p.unexpected("a value")
	}
	w, err := p.simple()
	if err != nil {
		return nil, err
	}
	if high {
		return p.between(t, end{}, end{w, true, inclusive}, start)
	}
	return p.between(t, end{w, true, inclusive}, end{}, start)
}

// end is one end of a range as it was written.
type end struct {
	word      word
	set       bool
	inclusive bool
}

// span is a range in brackets, braces or one of each.
func (p *parser) span(t target) (node, error) {
	start := p.pos
	low, high := end{inclusive: p.has("[")}, end{}
	p.pos++
	var err error
	if low.word, low.set, err = p.bound(); err != nil {
		return nil, err
	}
	p.skipSpace()
	if !p.eatKeyword("TO") {
		return nil, p.unexpected("TO")
	}
	if high.word, high.set, err = p.bound(); err != nil {
		return nil, err
	}
	p.skipSpace()
	high.inclusive = p.has("]")
	if !p.eat("]") && !p.eat("}") {
		return nil, p.unexpected("] or }")
	}
	return p.between(t, low, high, start)
}

// bound is one end of a range; an asterisk leaves it open.
func (p *parser) bound() (w word, set bool, err error) {
	p.skipSpace()
	if p.atOperator() {
		return w, false, p.unexpected("a bound")
	}
	w, err = p.simple()
	return w, !w.pattern.anything(), err
}
