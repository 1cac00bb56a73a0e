package search

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// mirrored says which operator holds with its sides exchanged.
var mirrored = map[string]string{
	operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
}

// comparison is a field, an operator and a value, or the value first.
func (c *cel) comparison(e ast.Expr) (node, error) {
	operator := e.AsCall().FunctionName()
	field, other := e.AsCall().Args()[0], e.AsCall().Args()[1]
	if c.isValue(field) {
		field, other = other, field
		if turned, ok := mirrored[operator]; ok {
			operator = turned
		}
	}
	t, err := c.single(field)
	if err != nil {
		return nil, err
	}
	if isNull(other) && (operator == operators.Equals || operator == operators.NotEquals) {
		n, err := c.matching(t, c.word(e, pattern{{wild: '*'}}))
		return negateIf(n, operator == operators.Equals), err
	}
	v, err := c.value(other)
	if err != nil {
		return nil, err
	}
	if operator == operators.Equals || operator == operators.NotEquals {
		n, err := c.equality(e, t, v)
		return negateIf(n, operator == operators.NotEquals), err
	}
	return c.ordered(e, t, operator, v)
}

func negateIf(n node, yes bool) node {
	if yes && n != nil {
		return negate(n)
	}
	return n
}

// isValue reports whether an expression is a literal or computed from such.
func (c *cel) isValue(e ast.Expr) bool {
	switch e.Kind() {
	case ast.LiteralKind:
		return true
	case ast.IdentKind:
		return e.AsIdent() == "now" && c.variable != "now"
	case ast.CallKind:
		return e.AsCall().FunctionName() != operators.Index
	}
	return false
}

func (c *cel) equality(e ast.Expr, t target, v literalValue) (node, error) {
	if err := c.fits(e, t, v); err != nil {
		return nil, err
	}
	w := c.word(e, literal(v.text))
	if v.kind != kindTime {
		return c.matching(t, w)
	}
	if v.at.toNow {
		return nil, c.refuse(e, "nothing happens exactly at a time relative to now", "a comparison such as >", "")
	}
	after := v.at
	after.number++
	return leaf{t.ref, interval{bound{true, v.at, true}, bound{true, after, false}}}, c.count(w)
}

func (c *cel) ordered(e ast.Expr, t target, operator string, v literalValue) (node, error) {
	if err := c.fits(e, t, v); err != nil {
		return nil, err
	}
	low := operator == operators.Greater || operator == operators.GreaterEquals
	inclusive := operator == operators.LessEquals || operator == operators.GreaterEquals
	w := c.word(e, literal(v.text))
	if v.kind == kindTime {
		b := instantBound(v.at, low, inclusive)
		if low {
			return leaf{t.ref, interval{low: b}}, c.count(w)
		}
		return leaf{t.ref, interval{high: b}}, c.count(w)
	}
	limit := end{w, true, inclusive}
	if low {
		return c.between(t, limit, end{}, w.pos)
	}
	return c.between(t, end{}, limit, w.pos)
}

// instantBound brings an end to the form of intervals of time: low inclusive, high
// exclusive. An instant relative to now has no next one.
func instantBound(at value, low, inclusive bool) bound {
	if low != inclusive && !at.toNow {
		at.number++
	}
	return bound{true, at, low}
}
