package search

import (
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// word gives a pattern the position of an expression.
func (c *cel) word(e ast.Expr, p pattern) word {
	start, end := c.span(e)
	c.pos = end // where the parser's own checks say a range ends
	return word{pattern: p, pos: start, end: end}
}

// bare is a field that stands as a condition: true, if it is a boolean.
func (c *cel) bare(e ast.Expr) (node, error) {
	t, err := c.subject(e)
	if err != nil {
		return nil, err
	}
	if t.ref.field != nil && t.ref.field.Type != Boolean {
		return nil, c.refuse(e, t.name+" is no condition", "a comparison with a value", "")
	}
	return c.matching(t, c.word(e, literal("true")))
}

// has is has(x.y): the field is present.
func (c *cel) has(e ast.Expr) (node, error) {
	s := e.AsSelect()
	segments, ok := c.path(s.Operand())
	if !ok {
		return nil, c.refuse(e, "this names no field", "a field, such as req.headers.accept", "")
	}
	segments = append(segments, s.FieldName())
	if familyOf(segments) != nil {
		return nil, c.refuse(e, "headers and parameters are always there", "a member", "")
	}
	name := searchName(segments, false)
	start, end := c.span(e)
	t, err := c.target(name, start, end)
	if err != nil {
		return nil, err
	}
	return c.matching(t, c.word(e, pattern{{wild: '*'}}))
}

// in is "field in [values]", "value in list" or "member in family".
func (c *cel) in(e ast.Expr) (node, error) {
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	if right.Kind() == ast.ListKind {
		return c.oneOf(left, right)
	}
	v, err := c.value(left)
	if err != nil {
		return nil, err
	}
	if segments, ok := c.path(right); ok && familyOf(segments) != nil && v.kind == kindText && v.text != "" {
		start, end := c.span(e)
		t, err := c.target(strings.TrimSuffix(familyOf(segments).Names()[0], "NAME")+v.text, start, end)
		if err != nil {
			return nil, err
		}
		return c.matching(t, c.word(e, pattern{{wild: '*'}}))
	}
	t, err := c.subject(right)
	if err != nil {
		return nil, err
	}
	if !t.ref.celList() {
		return nil, c.refuse(e, t.name+" is no list", "==", "")
	}
	return c.equality(e, t, v)
}

func (c *cel) oneOf(field, list ast.Expr) (node, error) {
	t, err := c.single(field)
	if err != nil {
		return nil, err
	}
	elements := list.AsList().Elements()
	if len(elements) == 0 {
		return not{all{}}, nil
	}
	var operands []node
	for _, element := range elements {
		v, err := c.value(element)
		if err != nil {
			return nil, err
		}
		n, err := c.equality(element, t, v)
		if err != nil {
			return nil, err
		}
		operands = append(operands, n)
	}
	return join(true, operands), nil
}

// single is a subject that is compared as one value.
func (c *cel) single(e ast.Expr) (target, error) {
	t, err := c.subject(e)
	inExists := c.variable != "" && e.Kind() == ast.IdentKind && e.AsIdent() == c.variable
	if err == nil && t.ref.celList() && !inExists {
		return t, c.refuse(e, t.name+" is a list", "\"value\" in it, or its method exists", "as in \"gzip\" in req.headers[\"accept-encoding\"]")
	}
	return t, err
}

// method is a test of a text, or exists.
func (c *cel) method(e ast.Expr) (node, error) {
	call := e.AsCall()
	if call.FunctionName() == operators.Exists && len(call.Args()) == 2 && call.Args()[0].Kind() == ast.IdentKind {
		return c.exists(e)
	}
	if len(call.Args()) != 1 {
		return nil, c.unknownFunction(e)
	}
	t, err := c.single(call.Target())
	if err != nil {
		return nil, err
	}
	if f := t.ref.field; f != nil && f.Type != Text && f.Type != Address {
		return nil, c.refuse(e, t.name+" is of type "+string(f.Type)+" and has no method "+call.FunctionName(), "a comparison", "")
	}
	v, err := c.value(call.Args()[0])
	if err != nil {
		return nil, err
	}
	if v.kind != kindText {
		return nil, c.refuse(call.Args()[0], "this is no text", "a text in quotes", "")
	}
	switch text := literal(v.text); call.FunctionName() {
	case "startsWith":
		return c.glob(e, t, pattern(nil).addAll(text).addWild('*'))
	case "endsWith":
		return c.glob(e, t, pattern(nil).addWild('*').addAll(text))
	case "contains":
		return c.glob(e, t, pattern(nil).addWild('*').addAll(text).addWild('*'))
	case "matches":
		return c.regexp(e, t, v.text)
	}
	return nil, c.unknownFunction(e)
}

func (p pattern) addAll(q pattern) pattern {
	for _, piece := range q {
		if piece.wild != 0 {
			p = p.addWild(piece.wild)
		} else {
			p = p.addText(piece.text)
		}
	}
	return p
}

func (c *cel) glob(e ast.Expr, t target, p pattern) (node, error) {
	return c.matching(t, c.word(e, p))
}

// regexp tests by a regular expression; one that says no more than wildcards is
// treated as such.
func (c *cel) regexp(e ast.Expr, t target, text string) (node, error) {
	made, err := regexpTest(text)
	if err != nil {
		return nil, c.blame(c.word(e.AsCall().Args()[0], nil), err)
	}
	switch made := made.(type) {
	case exists:
		return c.matching(t, c.word(e, pattern{{wild: '*'}}))
	case equal:
		return c.matching(t, c.word(e, literal(made.value.text)))
	case glob:
		return c.matching(t, c.word(e, made.pattern))
	}
	return leaf{t.ref, made}, c.count(c.word(e, pattern{{text: "x"}, {wild: '*'}}))
}

// exists is list.exists(v, test of v).
func (c *cel) exists(e ast.Expr) (node, error) {
	call := e.AsCall()
	t, err := c.subject(call.Target())
	if err != nil {
		return nil, err
	}
	if !t.ref.celList() && !t.ref.attribute() || c.variable != "" {
		return nil, c.refuse(e, "exists needs a list", "a list, such as req.headers[\"accept\"]", "")
	}
	inner := *c
	inner.variable, inner.element = call.Args()[0].AsIdent(), t
	n, err := inner.node(call.Args()[1])
	if err != nil {
		return nil, err
	}
	return n, c.checkElement(call.Args()[1], n, t.ref)
}

// checkElement sees to it that "one value passes" is what the tree says: of several
// tests that hold for one value only a disjunction is the same over all values.
func (c *cel) checkElement(body ast.Expr, n node, r ref) error {
	switch n := n.(type) {
	case leaf:
		if n.ref == r {
			return nil
		}
	case junction:
		if n.or {
			for _, operand := range n.operands {
				if err := c.checkElement(body, operand, r); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return c.refuse(body, "within exists there may be tests of the variable, joined by ||", "a test such as v == \"a\"", "use exists once for each condition")
}

// function is one of those that searches have.
func (c *cel) function(e ast.Expr) (node, error) {
	call := e.AsCall()
	switch {
	case call.FunctionName() == "inCidrRange" && len(call.Args()) == 2, call.FunctionName() == "inCidrRanges" && len(call.Args()) == 2:
		return c.cidrRange(e)
	case (call.FunctionName() == "words" || call.FunctionName() == "anywhere") && len(call.Args()) == 1:
		v, err := c.value(call.Args()[0])
		if err != nil {
			return nil, err
		}
		t := target{inText: true, everywhere: call.FunctionName() == "anywhere"}
		return c.matching(t, c.word(e, readPattern(v.text)))
	}
	return nil, c.unknownFunction(e)
}

func (c *cel) unknownFunction(e ast.Expr) error {
	return c.refuse(e, "searches have no "+e.AsCall().FunctionName()+" that is used like this",
		"one of == != < <= > >= in && || ! has startsWith endsWith contains matches exists inCidrRange words anywhere", "")
}

func (c *cel) cidrRange(e ast.Expr) (node, error) {
	args := e.AsCall().Args()
	t, err := c.single(args[0])
	if err != nil {
		return nil, err
	}
	if t.ref.field == nil || t.ref.field.Type != Address {
		return nil, c.refuse(args[0], t.name+" is no address", "a field of type ip, such as conn.client_ip", "")
	}
	list := args[1:]
	if list[0].Kind() == ast.ListKind {
		list = list[0].AsList().Elements()
	}
	var b blocks
	for _, element := range list {
		v, err := c.value(element)
		if err != nil {
			return nil, err
		}
		block, ok := parseBlock(v.text)
		if !ok || v.kind != kindText {
			return nil, c.refuse(element, "this is no address block", "a block such as \"10.0.0.0/8\"", "")
		}
		b.prefixes = append(b.prefixes, block)
	}
	if len(b.prefixes) == 0 {
		return not{all{}}, nil
	}
	return leaf{t.ref, b}, c.count(c.word(e, nil))
}

// readPattern reads text with wildcards; a backslash takes their meaning away.
func readPattern(text string) (p pattern) {
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			p, escaped = p.addText(string(r)), false
		case r == '\\':
			escaped = true
		case r == '*' || r == '?':
			p = p.addWild(byte(r))
		default:
			p = p.addText(string(r))
		}
	}
	if escaped {
		p = p.addText(`\`)
	}
	return p
}

func isNull(e ast.Expr) bool {
	if e.Kind() != ast.LiteralKind {
		return false
	}
	_, null := e.AsLiteral().(types.Null)
	return null
}
