package search

import (
	"fmt"
	"net/netip"
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
// of captures. It never evaluates to NULL under a negation, holds no text of the
// user's, and names each parameter by a placeholder such as {p1:String}. Times
// relative to now count from now. It keeps to functions of ClickHouse 24.8.
//
// The expression has no bound on time: the caller adds one.
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
	case f == nil:
		return constant(negated)
	case f.Constant != nil:
		return constant(testText(l.test, f.Constant) != negated)
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

// scalar compiles the test of a single value that is present.
func (c *compiler) scalar(f *Field, t test) string {
	switch t := t.(type) {
	case equal:
		if f.isAbsent(t.value) {
			return "0"
		}
		return f.Column + " = " + c.literal(f, t.value)
	case glob:
		return c.glob(textOf(f), t.pattern)
	case interval:
		return c.interval(f, t)
	case blocks:
		return c.blocks(f.Column, t.prefixes)
	}
	return "1"
}

// isAbsent reports whether v is the value that stands for none.
func (f *Field) isAbsent(v value) bool {
	switch f.absent {
	case empty:
		return v.text == ""
	case zero:
		return v.number == 0 && (f.Type != Address || v.addr == netip.IPv6Unspecified())
	}
	return false
}

// textOf is the column as text: an IPv4 address without its IPv6 prefix.
func textOf(f *Field) string {
	if f.Type == Address {
		return `replaceRegexpOne(toString(` + f.Column + `), '^::ffff:([0-9]+[.])', '\\1')`
	}
	return f.Column
}

func (c *compiler) literal(f *Field, v value) string {
	switch f.Type {
	case Text:
		return c.text(v.text)
	case Address:
		return c.bind("IPv6", ipv6Text(v.addr))
	case Time:
		return "fromUnixTimestamp64Nano(" + c.number(v.at(c.now)) + ", 'UTC')"
	}
	return c.number(v.number)
}

// at is the instant in Unix nanoseconds.
func (v value) at(now time.Time) int64 {
	if v.toNow {
		return now.Add(time.Duration(v.number)).UnixNano()
	}
	return v.number
}

// ipv6Text writes an address as the columns hold it.
func ipv6Text(addr netip.Addr) string {
	if addr.Is4() {
		return "::ffff:" + addr.String()
	}
	return addr.String()
}

func (c *compiler) interval(f *Field, t interval) string {
	var parts []string
	add := func(b bound, operator string) {
		if !b.set {
			return
		}
		if b.inclusive {
			operator += "="
		}
		parts = append(parts, f.Column+" "+operator+" "+c.literal(f, b.value))
	}
	add(t.low, ">")
	add(t.high, "<")
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

// blocks compares in IPv6, since columns hold IPv4 addresses in that form.
func (c *compiler) blocks(column string, prefixes []netip.Prefix) string {
	parts := make([]string, len(prefixes))
	for i, p := range prefixes {
		bits := p.Bits()
		if p.Addr().Is4() {
			bits += 96
		}
		block := ipv6Text(p.Addr()) + "/" + strconv.Itoa(bits)
		parts[i] = fmt.Sprintf("isIPAddressInRange(toString(%s), %s)", column, c.text(block))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

func (c *compiler) glob(column string, p pattern) string {
	if prefix, ok := p.prefix(); ok {
		return "startsWith(" + column + ", " + c.text(prefix) + ")"
	}
	return column + " LIKE " + c.text(p.like())
}

// list compiles the test of a field with any number of values: one must pass.
func (c *compiler) list(l leaf) string {
	f := l.ref.field
	member := c.text(l.ref.member)
	values := f.Column + "[" + member + "]"
	if f.query {
		values = paramsSQL(f.Column, member)
	}
	switch t := l.test.(type) {
	case equal:
		return "has(" + values + ", " + c.text(t.value.text) + ")"
	case glob:
		return "arrayExists(v -> " + c.glob("v", t.pattern) + ", " + values + ")"
	}
	return "notEmpty(" + values + ")"
}
