package search

import (
	"fmt"
	"net/netip"
	"strings"
)

// cidr is CIDR(field, block, ...); it stands at the keyword.
func (p *parser) cidr() (node, error) {
	start := p.pos
	p.pos += len("CIDR")
	p.skipSpace()
	if !p.eat("(") {
		return nil, p.unexpected("(")
	}
	t, err := p.cidrField()
	if err != nil {
		return nil, err
	}
	var b blocks
	for {
		block, err := p.cidrBlock()
		if err != nil {
			return nil, err
		}
		b.prefixes = append(b.prefixes, block)
		if p.eat(")") {
			return leaf{t.ref, b}, p.count(word{pos: start, end: p.pos})
		}
		if !p.eat(",") {
			return nil, p.unexpected(", or )")
		}
	}
}

func (p *parser) cidrField() (target, error) {
	w := p.argument()
	t, err := p.target(p.raw(w), w.pos, w.end)
	if err != nil {
		return t, err
	}
	if t.ref.field == nil || t.ref.field.Type != Address {
		return t, &SyntaxError{Offset: w.pos, Length: w.end - w.pos, Message: fmt.Sprintf("%q is no address field", p.raw(w)), Expected: "a field of type ip, such as @network.client.ip"}
	}
	p.skipSpace()
	if !p.eat(",") {
		return t, p.unexpected(", and a block")
	}
	return t, nil
}

// argument reads up to a comma, a parenthesis or a space.
func (p *parser) argument() word {
	p.skipSpace()
	w := word{pos: p.pos, end: len(p.query)}
	if n := strings.IndexAny(p.query[p.pos:], ",() \t\r\n"); n >= 0 {
		w.end = p.pos + n
	}
	p.pos = w.end
	return w
}

func (p *parser) cidrBlock() (netip.Prefix, error) {
	w := p.argument()
	block, ok := parseBlock(p.raw(w))
	p.skipSpace()
	if !ok {
		return block, &SyntaxError{Offset: w.pos, Length: w.end - w.pos, Message: fmt.Sprintf("%q is no address block", p.raw(w)), Expected: "a block such as 10.0.0.0/8 or fd00::/8"}
	}
	return block, nil
}

// parseBlock reads a block or a single address and takes an IPv4 block out of
// its IPv6 form.
func parseBlock(text string) (netip.Prefix, bool) {
	if addr, ok := parseAddr(text); ok {
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	if addr, bits := block.Addr(), block.Bits()-96; addr.Is4In6() && bits >= 0 {
		block = netip.PrefixFrom(addr.Unmap(), bits)
	}
	return block.Masked(), true
}

// parseAddr reads an address without a zone; one in ::ffff:0:0/96 is IPv4.
func parseAddr(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, false
	}
	return addr.Unmap(), true
}
