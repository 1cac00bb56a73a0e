package search

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// CEL prints the query as an expression that means the same. Read back after
// "cel:", it finds the same.
func (q *Query) CEL() string { return celNode(q.root, "") }

// The operators of CEL between which an expression may stand.
const (
	celAnd = " && "
	celOr  = " || "
	celNeg = "!"
)

// celNode prints n, which stands between operators around, or alone.
func celNode(n node, around string) string {
	switch n := n.(type) {
	case junction:
		parts := make([]string, len(n.operands))
		operator := celAnd
		if n.or {
			operator = celOr
		}
		for i, operand := range n.operands {
			parts[i] = celNode(operand, operator)
		}
		return celJoin(parts, operator, around)
	case not:
		return celNot(n.operand)
	case words:
		if n.everywhere {
			return "anywhere(" + celQuote(writePattern(n.pattern)) + ")"
		}
		return "words(" + celQuote(writePattern(n.pattern)) + ")"
	case leaf:
		return celLeaf(n, around)
	}
	return "true"
}

func celJoin(parts []string, operator, around string) string {
	text := strings.Join(parts, operator)
	if around != "" && around != operator && len(parts) > 1 {
		return "(" + text + ")"
	}
	return text
}

func celNot(n node) string {
	l, isLeaf := n.(leaf)
	if !isLeaf {
		if _, isAll := n.(all); isAll {
			return "false"
		}
		return celNeg + celNode(n, celNeg)
	}
	if e, isEqual := l.test.(equal); isEqual && !l.ref.celList() {
		return l.ref.celName() + " != " + l.ref.celValue(e.value)
	}
	text := celLeaf(l, celNeg)
	if strings.Contains(text, " ") && text[0] != '(' {
		text = "(" + text + ")"
	}
	return celNeg + text
}

// celList reports whether CEL takes the field for a list. An attribute is written
// as if it had one value.
func (r ref) celList() bool { return r.field != nil && r.list() && !r.field.scalar }

func celLeaf(l leaf, around string) string {
	name := l.ref.celName()
	switch t := l.test.(type) {
	case exists:
		return l.ref.celPresent()
	case interval:
		if l.ref.attribute() && t.low.set && t.high.set { // of one value, where there may be several
			return name + ".exists(v, " + celInterval("v", l.ref, t, "") + ")"
		}
		return celInterval(name, l.ref, t, around)
	case blocks:
		list := make([]string, len(t.prefixes))
		for i, block := range t.prefixes {
			list[i] = "inCidrRange(" + name + ", " + celQuote(block.String()) + ")"
		}
		return celJoin(list, celOr, around)
	}
	if !l.ref.celList() {
		return celTest(name, l)
	}
	if t, ok := l.test.(equal); ok {
		return celQuote(t.value.text) + " in " + name
	}
	return name + ".exists(v, " + celTest("v", l) + ")"
}

// celTest is the test of one value.
func celTest(name string, l leaf) string {
	switch t := l.test.(type) {
	case equal:
		return name + " == " + l.ref.celValue(t.value)
	case matches:
		return name + ".matches(" + celQuote(t.expr.String()) + ")"
	case glob:
		p := t.pattern
		if text, ok := p.prefix(); ok {
			return name + ".startsWith(" + celQuote(text) + ")"
		}
		if len(p) == 2 && p[0].wild == '*' && p[1].wild == 0 {
			return name + ".endsWith(" + celQuote(p[1].text) + ")"
		}
		if len(p) == 3 && p[0].wild == '*' && p[1].wild == 0 && p[2].wild == '*' {
			return name + ".contains(" + celQuote(p[1].text) + ")"
		}
		return name + ".matches(" + celQuote(p.regexp()) + ")"
	}
	return "true"
}

// celPresent is "has a value".
func (r ref) celPresent() string {
	name := r.celName()
	if r.field != nil && r.field.Family {
		family, _, _ := strings.Cut(name, "[")
		return celQuote(r.member) + " in " + family
	}
	if strings.Contains(name, "[") {
		return name + " != null"
	}
	if !strings.Contains(name, ".") {
		name = "ev." + name
	}
	return "has(" + name + ")"
}

func celInterval(name string, r ref, t interval, around string) string {
	var parts []string
	t.each(func(operator string, v value) {
		parts = append(parts, name+" "+operator+" "+r.celValue(v))
	})
	return celJoin(parts, celAnd, around)
}

func (r ref) celValue(v value) string {
	if r.field == nil {
		return celQuote(v.text)
	}
	switch r.field.Type {
	case Integer, Bytes:
		return strconv.FormatInt(v.number, 10)
	case Duration:
		return fmt.Sprintf("duration(%q)", withUnit(v.number))
	case Boolean:
		return strconv.FormatBool(v.number != 0)
	case Address:
		return celQuote(v.addr.String())
	case Time:
		return celTime(v)
	}
	return celQuote(v.text)
}

func celTime(v value) string {
	switch {
	case !v.toNow:
		return "timestamp(" + celQuote(time.Unix(0, v.number).UTC().Format(time.RFC3339Nano)) + ")"
	case v.number == 0:
		return "now"
	}
	return "now - duration(" + celQuote(withUnit(-v.number)) + ")"
}

// celQuote writes a text as CEL reads it, whose escapes are Go's.
func celQuote(text string) string { return strconv.Quote(text) }

// writePattern is what readPattern reads.
func writePattern(p pattern) string {
	var b strings.Builder
	for _, piece := range p {
		if piece.wild != 0 {
			b.WriteByte(piece.wild)
			continue
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(piece.text))
	}
	return b.String()
}
