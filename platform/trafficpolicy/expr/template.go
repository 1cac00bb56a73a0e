package expr

import (
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Template is a text with ${expression} parts, compiled once; immutable and
// safe for concurrent use.
type Template struct {
	source string
	parts  []part
	ipData *Read
}

// part is either literal text or a program.
type part struct {
	literal string
	program *Program
}

// Literal is a template of plain text.
func Literal(text string) *Template {
	return &Template{source: text, parts: []part{{literal: text}}}
}

// CompileTemplate scans and compiles. On faults the template is nil.
func (e *Env) CompileTemplate(source string) (*Template, []Fault) {
	segments, fault := scan(source)
	if fault != nil {
		return nil, []Fault{*fault}
	}
	t := &Template{source: source}
	var faults []Fault
	for _, s := range segments {
		if !s.expression {
			t.parts = append(t.parts, part{literal: s.text})
			continue
		}
		program, wrong := e.Compile(s.text)
		for _, f := range wrong {
			f.Offset += s.offset
			faults = append(faults, f)
		}
		t.parts = append(t.parts, part{program: program})
		if program != nil && program.ipData != nil && t.ipData == nil {
			t.ipData = &Read{Name: program.ipData.Name, Offset: s.offset + program.ipData.Offset}
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return t, nil
}

// IPData is [Program.IPData] for all its expressions.
func (t *Template) IPData() *Read { return t.ipData }

// Source is the text the template was compiled from.
func (t *Template) Source() string { return t.source }

// Static returns the text of a template without expressions.
func (t *Template) Static() (string, bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].program == nil:
		return t.parts[0].literal, true
	}
	return "", false
}

// Parts returns the literal parts with "" in the place of each expression; a
// caller can see where the variable text stands.
func (t *Template) Parts() (literals []string, expressions []bool) {
	for _, p := range t.parts {
		literals = append(literals, p.literal)
		expressions = append(expressions, p.program != nil)
	}
	return literals, expressions
}

// Render puts the values of the expressions into the text.
func (t *Template) Render(v *Vars) (string, error) { return t.RenderFunc(v, nil) }

// RenderFunc is Render with each expression's text passed through escape.
func (t *Template) RenderFunc(v *Vars, escape func(string) string) (string, error) {
	if s, ok := t.Static(); ok {
		return s, nil
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.program == nil {
			b.WriteString(p.literal)
			continue
		}
		val, err := p.program.Eval(v)
		if err != nil {
			return "", err
		}
		s := Text(val)
		if escape != nil {
			s = escape(s)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// Value is Render, but a template that is exactly one expression keeps the type
// of its value.
func (t *Template) Value(v *Vars) (ref.Val, error) {
	if len(t.parts) == 1 && t.parts[0].program != nil {
		return t.parts[0].program.Eval(v)
	}
	s, err := t.Render(v)
	return types.String(s), err
}
