package search

import (
	"net/netip"
	"slices"
)

// Query is a parsed query; it never changes, and may be used concurrently.
type Query struct {
	root     node
	unknown  []string
	warnings []Warning
}

// Warning is about a query that is right, but perhaps not what was meant.
type Warning struct {
	Offset, Length int // in bytes
	Message        string
}

// UnknownFields lists the attributes and tags that the table does not know, in
// order. Attributes, which begin with "@", may be in entries of the log action; no
// capture has a tag, so a test of one is never true.
func (q *Query) UnknownFields() []string { return slices.Clone(q.unknown) }

// Exists is the query for records that have the field of this name.
func Exists(name string) *Query {
	r, _ := resolve(name)
	return &Query{root: leaf{r, exists{}}}
}

// Not is the query for all that q does not find.
func (q *Query) Not() *Query {
	return &Query{root: negate(q.root), unknown: q.unknown, warnings: q.warnings}
}

// Warnings lists likely slips, such as "and" for "AND".
func (q *Query) Warnings() []Warning { return slices.Clone(q.warnings) }

// node is one of all, junction, not, leaf, words. A junction has at least two
// operands, none of which is a junction of the same kind; a not never holds a not.
type node interface{ isNode() }

type (
	all struct{}
	// junction is the conjunction of its operands, or their disjunction.
	junction struct {
		or       bool
		operands []node
	}
	not struct{ operand node }
	// leaf tests a field.
	leaf struct {
		ref  ref
		test test
	}
	// words looks for text in the message or, if everywhere, in every text column too.
	words struct {
		pattern    pattern
		everywhere bool
	}
)

func (all) isNode()      {}
func (junction) isNode() {}
func (not) isNode()      {}
func (leaf) isNode()     {}
func (words) isNode()    {}

// test is one of exists, equal, glob, interval, blocks.
type test interface{ isTest() }

type (
	exists struct{}
	equal  struct{ value value }
	glob   struct{ pattern pattern }
	// interval has at least one bound.
	interval struct{ low, high bound }
	// blocks are CIDR blocks, masked; IPv4 blocks as such.
	blocks struct{ prefixes []netip.Prefix }
)

func (exists) isTest()   {}
func (equal) isTest()    {}
func (glob) isTest()     {}
func (interval) isTest() {}
func (blocks) isTest()   {}

// value is a literal of the field's type; only the member of that type is set.
type value struct {
	text   string
	number int64 // Integer; Bytes; Duration in ns; Boolean 0 or 1; Time in Unix ns, or ns after now
	addr   netip.Addr
	toNow  bool // number counts from now
}

// bound is one end of an interval; the zero bound is open.
type bound struct {
	set       bool
	value     value
	inclusive bool
}

// each calls use for the bounds that are set, with the operator between a field and
// the bound's value.
func (t interval) each(use func(operator string, v value)) {
	for _, end := range []struct {
		bound    bound
		operator string
	}{{t.low, ">"}, {t.high, "<"}} {
		switch {
		case !end.bound.set:
		case end.bound.inclusive:
			use(end.operator+"=", end.bound.value)
		default:
			use(end.operator, end.bound.value)
		}
	}
}

func negate(n node) node {
	if inner, ok := n.(not); ok {
		return inner.operand
	}
	return not{n}
}

// join makes a junction, taking in operands that are junctions of the same kind.
func join(or bool, operands []node) node {
	if len(operands) == 1 {
		return operands[0]
	}
	var flat []node
	for _, n := range operands {
		if inner, ok := n.(junction); ok && inner.or == or {
			flat = append(flat, inner.operands...)
			continue
		}
		flat = append(flat, n)
	}
	return junction{or, flat}
}

// depth counts the levels of junctions and nots.
func depth(n node) int {
	switch n := n.(type) {
	case junction:
		most := 0
		for _, operand := range n.operands {
			most = max(most, depth(operand))
		}
		return 1 + most
	case not:
		return 1 + depth(n.operand)
	}
	return 0
}
