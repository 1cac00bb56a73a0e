package search

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// matching makes the leaf for a simple value: equality, a wildcard test, a
// status class, an address block, an instant or a day.
func (p *parser) matching(t target, w word) (node, error) {
	if err := p.count(w); err != nil {
		return nil, err
	}
	if t.inText {
		return p.wordsIn(t, w)
	}
	t.ref = t.ref.settle(w)
	if w.pattern.anything() {
		return leaf{t.ref, exists{}}, nil
	}
	text, plain := w.pattern.text()
	if !plain {
		return p.globOn(t, w)
	}
	made, err := t.ref.equals(t.name, text)
	if err != nil {
		return nil, p.blame(w, err)
	}
	return leaf{t.ref, made}, nil
}

// settle decides whether status: means the severity or the status code.
func (r ref) settle(w word) ref {
	if r.field == nil || r.field.numbers == "" {
		return r
	}
	text := ""
	if len(w.pattern) > 0 {
		text = w.pattern[0].text
	}
	if w.pattern.anything() || text != "" && strings.IndexByte("+-0123456789", text[0]) >= 0 {
		return ref{field: byName[r.field.numbers]}
	}
	return r
}

func (p *parser) wordsIn(t target, w word) (node, error) {
	switch {
	case w.pattern.anything():
		return all{}, nil
	case len(w.pattern) == 0:
		return nil, &SyntaxError{Offset: w.pos, Length: w.end - w.pos, Message: "an empty phrase is in every text", Expected: "a word", Hint: "write * to match everything"}
	}
	if t.everywhere {
		p.fullText++
	}
	if p.fullText > maxFullText {
		return nil, &SyntaxError{Offset: w.pos, Length: w.end - w.pos, Message: "a query may have at most 16 full-text terms", Hint: "name the field to search"}
	}
	return words{w.pattern, t.everywhere}, nil
}

func (p *parser) globOn(t target, w word) (node, error) {
	f := t.ref.field
	if f != nil && f.Type != Text && f.Type != Address {
		hint := ""
		if f.Classes {
			hint = "a class of status codes is written 5xx"
		}
		return nil, p.blame(w, &valueError{fmt.Sprintf("wildcards work on text, and %s is of type %s", t.name, f.Type), "a value or * alone", hint})
	}
	if f != nil && f.AnyCase {
		return leaf{t.ref, glob{w.pattern.fold(f.fold)}}, nil
	}
	return leaf{t.ref, glob{w.pattern}}, nil
}

// equals is the test for one value, which for a class, a block, a day and an
// instant is one of belonging.
func (r ref) equals(name, text string) (test, error) {
	if r.field == nil {
		return equal{value{text: text}}, nil
	}
	if r.field.Classes && isClass(text) {
		hundreds := int64(text[0]-'0') * 100
		return interval{bound{true, value{number: hundreds}, true}, bound{true, value{number: hundreds + 99}, true}}, nil
	}
	if block, err := netip.ParsePrefix(text); r.field.Type == Address && err == nil {
		if block, ok := parseBlock(block.String()); ok {
			return blocks{[]netip.Prefix{block}}, nil
		}
	}
	if r.field.Type == Time {
		m, err := parseMoment(text)
		if err == nil && m.from.toNow {
			err = &valueError{message: "nothing happens exactly at " + text, expected: "a comparison such as >" + text}
		}
		return interval{bound{true, m.from, true}, bound{true, m.until, false}}, err
	}
	v, err := r.literal(name, text)
	return equal{v}, err
}

// isClass recognises 1xx to 5xx.
func isClass(text string) bool {
	return len(text) == 3 && '1' <= text[0] && text[0] <= '5' && strings.EqualFold(text[1:], "xx")
}

// between makes the leaf for a comparison or a range that begins at start.
func (p *parser) between(t target, low, high end, start int) (node, error) {
	whole := word{pos: start, end: p.pos}
	if err := p.count(whole); err != nil {
		return nil, err
	}
	if f := t.ref.field; f != nil && f.numbers != "" {
		t.ref = ref{field: byName[f.numbers]}
	}
	if err := t.comparable(); err != nil {
		return nil, p.blame(whole, err)
	}
	var made interval
	var err error
	if made.low, err = p.boundOf(t, low, true); err != nil {
		return nil, err
	}
	if made.high, err = p.boundOf(t, high, false); err != nil {
		return nil, err
	}
	if !made.low.set && !made.high.set {
		return leaf{t.ref, exists{}}, nil
	}
	return leaf{t.ref, made}, nil
}

// comparable refuses order where the field has none.
func (t target) comparable() error {
	f := t.ref.field
	switch {
	case t.inText:
		return &valueError{message: "text has no order", expected: "a word or a phrase"}
	case f != nil && (f.Type == Boolean || f.Type == Text && !f.Ordered):
		return &valueError{message: t.name + " has no order, so it cannot be compared", expected: "a value"}
	}
	return nil
}

func (p *parser) boundOf(t target, e end, low bool) (bound, error) {
	if !e.set {
		return bound{}, nil
	}
	text, plain := e.word.pattern.text()
	if !plain {
		return bound{}, p.blame(e.word, &valueError{message: "a comparison or a range has no wildcards", expected: "a value"})
	}
	if t.ref.field != nil && t.ref.field.Type == Time {
		m, err := parseMoment(text)
		return m.bound(low, e.inclusive), p.blame(e.word, err)
	}
	v, err := t.ref.literal(t.name, text)
	return bound{true, v, e.inclusive}, p.blame(e.word, err)
}

// valueError is a SyntaxError whose position the caller knows.
type valueError struct{ message, expected, hint string }

func (e *valueError) Error() string { return e.message }

// blame gives err, if any, the position of w.
func (p *parser) blame(w word, err error) error {
	var v *valueError
	if !errors.As(err, &v) {
		return err
	}
	return &SyntaxError{Offset: w.pos, Length: w.end - w.pos, Message: v.message, Expected: v.expected, Hint: v.hint}
}
