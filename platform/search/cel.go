package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	celgo "cel.dev/cel-go/parser"
)

// celPrefix makes the rest of a query an expression in CEL.
const celPrefix = "cel:"

// celParser reads CEL with the macro has; exists is understood by its shape.
var celParser = func() *celgo.Parser {
	p, err := celgo.NewParser(celgo.Macros(celgo.HasMacro), celgo.MaxRecursionDepth(3*maxDepth),
		celgo.ErrorReportingLimit(1), celgo.ErrorRecoveryLimit(1))
	if err != nil {
		panic(err) // the options are constant
	}
	return p
}()

// cel translates an expression to the tree that the search syntax has, with the
// limits of that syntax. What a search cannot say is refused.
type cel struct {
	*parser
	text   string // the expression
	offset int    // of the expression in the query
	info   *ast.SourceInfo

	variable string // of exists; empty outside
	element  target // what the variable stands for
}

// parseCEL reads a query that begins with "cel:".
func parseCEL(query string) (*Query, error) {
	offset := strings.Index(query, celPrefix) + len(celPrefix)
	c := &cel{text: query[offset:], offset: offset, parser: &parser{lexer: lexer{query: query}}}
	tree, faults := celParser.Parse(common.NewTextSource(c.text))
	if faults != nil && len(faults.GetErrors()) > 0 {
		return nil, c.fault(faults.GetErrors()[0])
	}
	c.info = tree.SourceInfo()
	root, err := c.node(tree.Expr())
	if err != nil {
		return nil, err
	}
	if depth(root) > maxDepth {
		return nil, &SyntaxError{Length: len(query), Message: "the query is nested more than 32 levels deep"}
	}
	return &Query{root: root, unknown: c.unknown}, nil
}

// isCEL reports whether a query is an expression in CEL.
func isCEL(query string) bool {
	return strings.HasPrefix(strings.TrimLeftFunc(query, unicode.IsSpace), celPrefix)
}

// node translates a condition.
func (c *cel) node(e ast.Expr) (node, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			if b {
				return all{}, nil
			}
			return not{all{}}, nil
		}
		return nil, c.refuse(e, "a value is no condition", "a comparison", "")
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return c.has(e)
		}
		return c.bare(e)
	case ast.IdentKind:
		return c.bare(e)
	case ast.CallKind:
		return c.call(e)
	}
	return nil, c.refuse(e, "this cannot be searched", "a comparison of a field with a value", "")
}

// call translates operators and functions.
func (c *cel) call(e ast.Expr) (node, error) {
	call := e.AsCall()
	if call.IsMemberFunction() {
		return c.method(e)
	}
	switch call.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		return c.junction(call)
	case operators.LogicalNot:
		n, err := c.node(call.Args()[0])
		if err != nil {
			return nil, err
		}
		return negate(n), nil
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return c.comparison(e)
	case operators.In:
		return c.in(e)
	case operators.Index:
		return c.bare(e)
	}
	return c.function(e)
}

func (c *cel) junction(call ast.CallExpr) (node, error) {
	var operands []node
	for _, arg := range call.Args() {
		n, err := c.node(arg)
		if err != nil {
			return nil, err
		}
		operands = append(operands, n)
	}
	if or := call.FunctionName() == operators.LogicalOr; or || c.variable == "" {
		return join(or, operands), nil
	}
	return join(false, oneInterval(operands)), nil
}

// oneInterval makes the two ends of a range, which within exists are of one value,
// one test.
func oneInterval(operands []node) []node {
	if len(operands) != 2 {
		return operands
	}
	low, isLow := operands[0].(leaf)
	high, isHigh := operands[1].(leaf)
	if !isLow || !isHigh || low.ref != high.ref {
		return operands
	}
	from, isFrom := low.test.(interval)
	to, isTo := high.test.(interval)
	if !isFrom || !isTo || from.high.set || to.low.set {
		return operands
	}
	return []node{leaf{low.ref, interval{from.low, to.high}}}
}

// refuse is the error about an expression that is right, and cannot be searched.
func (c *cel) refuse(e ast.Expr, message, expected, hint string) error {
	start, end := c.span(e)
	return &SyntaxError{Offset: start, Length: end - start, Message: message, Expected: expected, Hint: hint}
}

// fault is what the parser of CEL found wrong.
func (c *cel) fault(e *common.Error) error {
	at, rest := 0, c.text
	for range e.Location.Line() - 1 {
		line, after, _ := strings.Cut(rest, "\n")
		at, rest = at+len(line)+1, after
	}
	for range e.Location.Column() {
		_, size := utf8.DecodeRuneInString(rest)
		at, rest = at+size, rest[size:]
	}
	at = min(at, len(c.text))
	message, _, _ := strings.Cut(strings.TrimPrefix(e.Message, "Syntax error: "), "\n")
	_, size := utf8.DecodeRuneInString(c.text[at:])
	return &SyntaxError{Offset: c.offset + at, Length: size, Message: "no expression in CEL: " + message, Expected: "a condition such as req.method == \"GET\" && res.status_code >= 500"}
}

// span is where an expression stands in the query, in bytes.
func (c *cel) span(e ast.Expr) (start, end int) {
	first, last := len(c.text), 0
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(part ast.Expr) {
		if r, ok := c.info.GetOffsetRange(part.ID()); ok {
			first, last = min(first, int(r.Start)), max(last, int(r.Stop))
		}
	}))
	return c.offset + byteOffset(c.text, first), c.offset + byteOffset(c.text, max(first, last))
}

// byteOffset counts bytes for characters.
func byteOffset(text string, characters int) int {
	for i := range text {
		if characters == 0 {
			return i
		}
		characters--
	}
	return len(text)
}
