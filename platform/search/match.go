package search

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Match evaluates the query on one record, with the meaning of [SQL]. Times
// relative to now count from now.
func Match(q *Query, r Record, now time.Time) bool {
	m := matcher{record: r, now: now}
	return m.node(q.root)
}

type matcher struct {
	record Record
	now    time.Time
}

func (m matcher) node(n node) bool {
	switch n := n.(type) {
	case junction:
		if n.or {
			return slices.ContainsFunc(n.operands, m.node)
		}
		return !slices.ContainsFunc(n.operands, func(operand node) bool { return !m.node(operand) })
	case not:
		return !m.node(n.operand)
	case words:
		return n.inRecord(m.record)
	case leaf:
		return m.leaf(n)
	}
	return true
}

func (m matcher) leaf(l leaf) bool {
	f := l.ref.field
	switch {
	case f == nil || f.Type == Text:
		return testText(l, m.texts(l.ref))
	case f.Type == Address:
		return m.address(f, l.test)
	}
	n, ok := m.record.Number(f.Column)
	if !ok || f.absent == zero && n == 0 {
		return false
	}
	return testOrdered(l.test, func(v value) int { return cmp.Compare(n, v.at(m.now)) })
}

// texts returns the values that are present.
func (m matcher) texts(r ref) []string {
	f := r.field
	switch {
	case f == nil && !r.attribute():
		return nil
	case f == nil:
		return attributeValues(m.record.Text(logColumn, ""), r.keys())
	case f.Constant != nil:
		return f.Constant
	case f.derive != nil:
		return []string{f.derive(m.record)}
	case f.query:
		return params(first(m.record.Text(f.Column, "")), r.member)
	}
	values := m.record.Text(f.Column, r.member)
	if (f.absent == empty || f.scalar) && first(values) == "" {
		return nil
	}
	return values
}

// testText reports whether any of the values passes.
func testText(l leaf, values []string) bool {
	return slices.ContainsFunc(values, func(s string) bool {
		switch t := l.test.(type) {
		case glob:
			return t.pattern.matches(s, false)
		case matches:
			return t.expr.MatchString(s)
		case interval:
			if l.ref.field == nil {
				return inInterval(t, s)
			}
		}
		return testOrdered(l.test, func(v value) int { return strings.Compare(s, v.text) })
	})
}

func (m matcher) address(f *Field, t test) bool {
	addr := m.record.Addr(f.Column).Unmap()
	if !addr.IsValid() || addr == netip.IPv6Unspecified() {
		return false
	}
	switch t := t.(type) {
	case glob:
		return t.pattern.matches(addressText(addr), false)
	case matches:
		return t.expr.MatchString(addressText(addr))
	case blocks:
		return slices.ContainsFunc(t.prefixes, func(p netip.Prefix) bool { return p.Contains(addr) || containsMapped(p, addr) })
	}
	as16 := netip.AddrFrom16(addr.As16())
	return testOrdered(t, func(v value) int { return as16.Compare(netip.AddrFrom16(v.addr.As16())) })
}

// containsMapped is for the IPv6 blocks that hold all of IPv4, such as ::/0.
func containsMapped(p netip.Prefix, addr netip.Addr) bool {
	return addr.Is4() && p.Addr().Is6() && p.Contains(netip.AddrFrom16(addr.As16()))
}

// testOrdered tests a present value that compare puts before (-1), at (0) or
// after (1) a literal.
func testOrdered(t test, compare func(value) int) bool {
	switch t := t.(type) {
	case exists:
		return true
	case equal:
		return compare(t.value) == 0
	case interval:
		return t.low.below(compare) && t.high.above(compare)
	}
	return false
}

func (b bound) below(compare func(value) int) bool {
	if !b.set {
		return true
	}
	c := compare(b.value)
	return c > 0 || c == 0 && b.inclusive
}

func (b bound) above(compare func(value) int) bool {
	if !b.set {
		return true
	}
	c := compare(b.value)
	return c < 0 || c == 0 && b.inclusive
}

// addressText writes an address as ClickHouse does, which unlike Go ends in an
// IPv4 address if the first 96 bits are zero.
func addressText(addr netip.Addr) string {
	b := addr.As16()
	if addr.Is4() || [12]byte(b[:12]) != [12]byte{} || b[12] == 0 && b[13] == 0 {
		return addr.String()
	}
	return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
}
