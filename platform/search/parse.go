package search

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// Limits of a query; see [Parse].
const (
	maxQuery     = 4 << 10 // bytes
	maxDepth     = 32
	maxLeaves    = 256
	maxWildcards = 16
	maxFullText  = 16 // each becomes a test of every text column
)

// Parse reads a query. An empty or blank one matches everything; one that begins
// with "cel:" is an expression in CEL.
//
// A query has at most 4 KiB, 32 levels of nesting, 256 tests, 16 wildcards (a lone
// asterisk does not count) and 16 full-text terms such as *:word, and a word or
// phrase at most 1 KiB. The error is a [*SyntaxError].
func Parse(query string) (*Query, error) {
	if err := checkText(query); err != nil {
		return nil, err
	}
	if isCEL(query) {
		return parseCEL(query)
	}
	p := &parser{lexer: lexer{query: query}}
	root, err := p.everything()
	if err != nil {
		return nil, err
	}
	if p.leaves < 2 {
		p.warnings = nil
	}
	return &Query{root: root, unknown: p.unknown, warnings: p.warnings}, nil
}

func checkText(query string) error {
	if len(query) > maxQuery {
		return &SyntaxError{Offset: maxQuery, Length: len(query) - maxQuery, Message: "a query may have at most 4096 bytes"}
	}
	for i, r := range query {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(query[i:]); size == 1 {
				return &SyntaxError{Offset: i, Length: 1, Message: "the query is not UTF-8"}
			}
		}
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return &SyntaxError{Offset: i, Length: utf8.RuneLen(r), Message: "control characters cannot be searched"}
		}
	}
	return nil
}

// parser is a recursive descent over the grammar, and counts what is limited.
type parser struct {
	lexer
	depth, leaves, wildcards, fullText int
	unknown                            []string
	warnings                           []Warning
}

// operand parses what stands between operators: a term or, in a group of
// values, a value.
type operand func() (node, error)

func (p *parser) everything() (node, error) {
	p.skipSpace()
	if p.atEnd() {
		return all{}, nil
	}
	root, err := p.disjunction(p.term)
	if err != nil {
		return nil, err
	}
	if !p.atEnd() {
		return nil, p.unexpected("the end or a term")
	}
	if depth(root) > maxDepth {
		return nil, &SyntaxError{Length: len(p.query), Message: "the query is nested more than 32 levels deep"}
	}
	return root, nil
}

func (p *parser) disjunction(next operand) (node, error) {
	var operands []node
	for {
		n, err := p.conjunction(next)
		if err != nil {
			return nil, err
		}
		operands = append(operands, n)
		if !p.eatKeyword("OR") && !p.eat("||") {
			return join(true, operands), nil
		}
	}
}

func (p *parser) conjunction(next operand) (node, error) {
	var operands []node
	for {
		n, err := p.negation(next)
		if err != nil {
			return nil, err
		}
		operands = append(operands, n)
		p.skipSpace()
		if p.eatKeyword("AND") || p.eat("&&") {
			continue
		}
		if p.atEnd() || p.has(")") || p.hasKeyword("OR") || p.has("||") {
			return join(false, operands), nil
		}
	}
}

func (p *parser) negation(next operand) (node, error) {
	negated := false
	for {
		p.skipSpace()
		if p.eat("-") || p.eat("!") || p.eatKeyword("NOT") {
			negated = !negated
		} else if !p.eat("+") {
			break
		}
	}
	n, err := next()
	if err != nil || !negated {
		return n, err
	}
	return negate(n), nil
}

func (p *parser) group(next operand) (node, error) {
	open := p.pos
	p.pos++
	if p.depth++; p.depth > maxDepth {
		return nil, &SyntaxError{Offset: open, Length: 1, Message: "the query is nested more than 32 levels deep"}
	}
	n, err := p.disjunction(next)
	if err != nil {
		return nil, err
	}
	p.depth--
	if p.atEnd() {
		return nil, &SyntaxError{Offset: open, Length: 1, Message: "the parenthesis is not closed", Expected: ")"}
	}
	if !p.eat(")") {
		return nil, p.unexpected(")")
	}
	return n, nil
}

// term is a primary of the grammar: a group, a CIDR test or a clause.
func (p *parser) term() (node, error) {
	r, size := p.peek()
	switch {
	case p.hasKeyword("CIDR"):
		return p.cidr()
	case size == 0 || p.atOperator() || r == ')' || r == ']' || r == '}':
		return nil, p.unexpected("a term")
	case r == '(':
		return p.group(p.term)
	case r == '#':
		return nil, &SyntaxError{Offset: p.pos, Length: 1, Message: "calculated fields are not supported", Hint: `quote the text, or write \#`}
	case r == '[' || r == '{' || r == '<' || r == '>':
		return nil, &SyntaxError{Offset: p.pos, Length: 1, Message: "a range or a comparison needs a field", Expected: "a term", Hint: "write the field before it, as in @http.status_code:[400 TO 499]"}
	case r == ':':
		return nil, &SyntaxError{Offset: p.pos, Length: 1, Message: "no field name stands before the colon", Expected: "a term"}
	}
	return p.clause()
}

// atOperator reports whether a keyword or a symbolic operator stands here.
func (p *parser) atOperator() bool {
	return slices.ContainsFunc(keywords, p.hasKeyword) || p.has("&&") || p.has("||")
}

var keywords = []string{"AND", "OR", "NOT", "TO", "CIDR"}

// unexpected is the error about what stands here instead of what was expected.
func (p *parser) unexpected(expected string) error {
	if p.atEnd() {
		return &SyntaxError{Offset: p.pos, Message: "the query ends too early", Expected: expected}
	}
	for _, k := range append(keywords, "&&", "||") {
		if p.hasKeyword(k) || p.has(k) && (k == "&&" || k == "||") {
			return &SyntaxError{Offset: p.pos, Length: len(k), Message: k + " cannot stand here", Expected: expected, Hint: "quote it to search for the text"}
		}
	}
	r, size := p.peek()
	return &SyntaxError{Offset: p.pos, Length: size, Message: string(r) + " cannot stand here", Expected: expected, Hint: "quote it or put a backslash before it to search for the text"}
}

// count registers one more leaf of the tree.
func (p *parser) count(w word) error {
	if p.leaves++; p.leaves > maxLeaves {
		return &SyntaxError{Offset: w.pos, Length: w.end - w.pos, Message: "a query may have at most 256 tests"}
	}
	if !w.pattern.anything() {
		for _, piece := range w.pattern {
			if piece.wild != 0 {
				p.wildcards++
			}
		}
	}
	if p.wildcards > maxWildcards {
		return &SyntaxError{Offset: w.pos, Length: w.end - w.pos, Message: "a query may have at most 16 wildcards"}
	}
	return nil
}
