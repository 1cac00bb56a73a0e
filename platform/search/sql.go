package search

import (
	"strconv"
	"strings"
	"time"
)

// Param is one parameter of an expression that [SQL] made. It goes to the server
// beside the text, as clickhouse.Named(p.Name, p.Value).
type Param struct {
	Name  string // p1, p2, ...
	Type  string // the ClickHouse type in the placeholder
	Value string
}

// SQL compiles the query to one ClickHouse expression for WHERE, over the columns
// of captures. It holds no text of the user's and names each parameter by a
// placeholder such as {p1:String}. Times relative to now count from now. It keeps
// to functions of ClickHouse 24.8.
//
// The caller joins it by AND, as it is, to the bound on time that a search needs.
func SQL(q *Query, now time.Time) (where string, params []Param) {
	c := &compiler{now: now}
	return c.node(q.root, false), c.params
}

type compiler struct {
	now    time.Time
	params []Param
}

func (c *compiler) bind(typ, value string) string {
	name := "p" + strconv.Itoa(len(c.params)+1)
	c.params = append(c.params, Param{name, typ, value})
	return "{" + name + ":" + typ + "}"
}

func (c *compiler) text(s string) string { return c.bind("String", s) }

func (c *compiler) number(n int64) string { return c.bind("Int64", strconv.FormatInt(n, 10)) }

// node compiles n, or its negation. Negations are driven down to the leaves, so
// that only there NULL must be minded: in between, NULL does as false.
func (c *compiler) node(n node, negated bool) string {
	switch n := n.(type) {
	case junction:
		operator := " AND "
		if n.or != negated {
			operator = " OR "
		}
		parts := make([]string, len(n.operands))
		for i, operand := range n.operands {
			parts[i] = c.node(operand, negated)
		}
		return "(" + strings.Join(parts, operator) + ")"
	case not:
		return c.node(n.operand, !negated)
	case words:
		return negateSQL(c.words(n), negated)
	case leaf:
		return c.leaf(n, negated)
	}
	return constant(!negated)
}

func constant(holds bool) string {
	if holds {
		return "1"
	}
	return "0"
}

// negateSQL negates an expression that is never NULL.
func negateSQL(expression string, negated bool) string {
	switch {
	case !negated:
		return expression
	case expression == "0" || expression == "1":
		return constant(expression == "0")
	}
	return "NOT (" + expression + ")"
}

func (c *compiler) leaf(l leaf, negated bool) string {
	f := l.ref.field
	switch {
	case f == nil && !l.ref.attribute():
		return constant(negated)
	case f != nil && f.Constant != nil:
		return constant(testText(l, f.Constant) != negated)
	case l.ref.list():
		return negateSQL(c.list(l), negated)
	}
	if _, ok := l.test.(exists); ok {
		return negateSQL(f.present(), negated)
	}
	expression := c.scalar(f, l.test)
	switch {
	case f.absent == null && negated:
		return "(NOT (" + expression + ") OR " + f.Column + " IS NULL)"
	case expression != "0" && f.mayMeetAbsent(l.test):
		expression = "(" + f.present() + " AND " + expression + ")"
	}
	return negateSQL(expression, negated)
}

// present is the expression for "has a value".
func (f *Field) present() string {
	switch {
	case f.absent == null:
		return f.Column + " IS NOT NULL"
	case f.absent == empty:
		return f.Column + " != ''"
	case f.absent == zero && f.Type == Address:
		return f.Column + " != toIPv6('::')"
	case f.absent == zero:
		return f.Column + " != 0"
	}
	return "1"
}

// mayMeetAbsent reports whether the test could hold for the value that stands for
// none. No glob but * alone, which is exists, matches an empty text.
func (f *Field) mayMeetAbsent(t test) bool {
	if f.absent != empty && f.absent != zero {
		return false
	}
	switch t.(type) {
	case equal:
		return false // scalar made it 0
	case glob:
		return f.Type == Address
	}
	return true
}
