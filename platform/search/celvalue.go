package search

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// kind is what a literal of CEL is.
type kind string

const (
	kindText     kind = "text"
	kindNumber   kind = "number"
	kindBoolean  kind = "boolean"
	kindDuration kind = "duration"
	kindTime     kind = "time"
)

// literalValue is a literal in the spelling of the search syntax; a time is given
// as an instant.
type literalValue struct {
	kind kind
	text string
	at   value
}

// value reads a literal, duration("1s"), timestamp("..."), now, or now less a
// duration.
func (c *cel) value(e ast.Expr) (literalValue, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		return c.literal(e)
	case ast.IdentKind:
		if e.AsIdent() == "now" {
			return literalValue{kind: kindTime, at: value{toNow: true}}, nil
		}
	case ast.CallKind:
		return c.computed(e)
	}
	return literalValue{}, c.refuse(e, "this is no value", "a text, a number, true, false, duration(\"1s\"), timestamp(\"2026-11-24T10:00:00Z\") or now", "a field is compared with a value, not with another field")
}

func (c *cel) literal(e ast.Expr) (literalValue, error) {
	switch v := e.AsLiteral().(type) {
	case types.String:
		return literalValue{kind: kindText, text: string(v)}, c.checkLiteral(e, string(v))
	case types.Int:
		return literalValue{kind: kindNumber, text: strconv.FormatInt(int64(v), 10)}, nil
	case types.Uint:
		return literalValue{kind: kindNumber, text: strconv.FormatUint(uint64(v), 10)}, nil
	case types.Double:
		return literalValue{kind: kindNumber, text: strconv.FormatFloat(float64(v), 'f', -1, 64)}, nil
	case types.Bool:
		return literalValue{kind: kindBoolean, text: strconv.FormatBool(bool(v))}, nil
	}
	return literalValue{}, c.refuse(e, "values of this type cannot be searched", "a text, a number, true or false", "")
}

// checkLiteral refuses in texts what a query cannot hold.
func (c *cel) checkLiteral(e ast.Expr, text string) error {
	if !utf8.ValidString(text) {
		return c.refuse(e, "the text is not UTF-8", "", "")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
		return c.refuse(e, "control characters cannot be searched", "", "")
	}
	if len(text) > maxPattern {
		return c.refuse(e, "a word or phrase may have at most 1024 bytes", "", "")
	}
	return nil
}

func (c *cel) computed(e ast.Expr) (literalValue, error) {
	call := e.AsCall()
	args := call.Args()
	switch {
	case call.IsMemberFunction():
	case call.FunctionName() == "duration" && len(args) == 1:
		d, err := c.duration(args[0])
		return literalValue{kind: kindDuration, text: strconv.FormatInt(int64(d), 10) + "ns"}, err
	case call.FunctionName() == "timestamp" && len(args) == 1:
		return c.timestamp(args[0])
	case call.FunctionName() == operators.Subtract && len(args) == 2:
		return c.ago(args[0], args[1])
	case call.FunctionName() == operators.Negate && len(args) == 1:
		v, err := c.value(args[0])
		if err == nil && v.kind == kindNumber {
			v.text = "-" + v.text
			return v, nil
		}
	}
	return literalValue{}, c.refuse(e, "this is no value that is known beforehand", "a text, a number, true, false, duration(\"1s\"), timestamp(\"2026-11-24T10:00:00Z\") or now - duration(\"15m\")", "")
}

func (c *cel) duration(e ast.Expr) (time.Duration, error) {
	v, err := c.value(e)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(v.text)
	if err != nil || v.kind != kindText {
		return 0, c.refuse(e, "this is no duration", "a duration such as \"500ms\" or \"1h30m\"", "")
	}
	return d, nil
}

func (c *cel) timestamp(e ast.Expr) (literalValue, error) {
	v, err := c.value(e)
	if err != nil {
		return v, err
	}
	t, err := time.Parse(time.RFC3339Nano, v.text)
	if err != nil || v.kind != kindText || t.Before(earliest) || !t.Before(latest) {
		return v, c.refuse(e, "this is no time", "an RFC 3339 time such as \"2026-11-24T10:00:00Z\"", "")
	}
	return literalValue{kind: kindTime, at: value{number: t.UnixNano()}}, nil
}

// ago is now - duration("15m").
func (c *cel) ago(base, back ast.Expr) (literalValue, error) {
	if base.Kind() != ast.IdentKind || base.AsIdent() != "now" {
		return literalValue{}, c.refuse(base, "only now can be counted back from", "now - duration(\"15m\")", "")
	}
	if back.Kind() != ast.CallKind || back.AsCall().FunctionName() != "duration" || len(back.AsCall().Args()) != 1 {
		return literalValue{}, c.refuse(back, "this is no duration", "duration(\"15m\")", "")
	}
	d, err := c.duration(back.AsCall().Args()[0])
	if err == nil && d < 0 {
		err = c.refuse(back, "a time in the future is not searched", "a duration that is not negative", "")
	}
	return literalValue{kind: kindTime, at: value{number: -int64(d), toNow: true}}, err
}

// fits refuses a value whose type is not the field's.
func (c *cel) fits(e ast.Expr, t target, v literalValue) error {
	f := t.ref.field
	if f == nil {
		if v.kind == kindText || v.kind == kindNumber || v.kind == kindBoolean {
			return nil
		}
		return c.refuse(e, t.name+" is compared with texts and numbers", "a text or a number", "")
	}
	want := map[Type]kind{Text: kindText, Address: kindText, Integer: kindNumber, Bytes: kindNumber, Boolean: kindBoolean, Duration: kindDuration, Time: kindTime}[f.Type]
	switch {
	case v.kind == want, f.Type == Duration && v.kind == kindNumber, f.numbers != "" && v.kind == kindNumber:
		return nil
	}
	hint := map[kind]string{kindDuration: "write duration(\"500ms\")", kindTime: "write timestamp(\"2026-11-24T10:00:00Z\")"}[want]
	return c.refuse(e, fmt.Sprintf("%s is of type %s, and this is a %s", t.name, f.Type, v.kind), "a "+string(want), hint)
}
