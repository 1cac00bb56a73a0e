package search

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

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
	case matches:
		return c.matches(textOf(f), t)
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
	t.each(func(operator string, v value) {
		parts = append(parts, f.Column+" "+operator+" "+c.literal(f, v))
	})
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
	values := c.values(l.ref)
	switch t := l.test.(type) {
	case equal:
		return "has(" + values + ", " + c.text(t.value.text) + ")"
	case glob:
		return "arrayExists(v -> " + c.glob("v", t.pattern) + ", " + values + ")"
	case matches:
		return "arrayExists(v -> " + c.matches("v", t) + ", " + values + ")"
	case interval:
		return "arrayExists(v -> " + c.attributeInterval(t) + ", " + values + ")"
	}
	return "notEmpty(" + values + ")"
}

// values is the array of the values of a field that may have several.
func (c *compiler) values(r ref) string {
	f := r.field
	switch {
	case f == nil:
		return c.attributeSQL(r)
	case f.array: // has() does not find '' in a list of LowCardinality
		return "CAST(" + f.Column + ", 'Array(String)')"
	case f.query:
		return paramsSQL(f.Column, c.text(r.member))
	case f.scalar:
		return "arrayFilter(x -> x != '', [toString(" + f.Column + "[" + c.text(r.member) + "])])"
	}
	return f.Column + "[" + c.text(r.member) + "]"
}

func (c *compiler) matches(column string, t matches) string {
	return "match(" + column + ", " + c.text(t.expr.String()) + ")"
}
