package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
)

// Fault is what is wrong with an expression or a template.
type Fault struct {
	Offset  int // in bytes from the start of the source
	Message string
	Hint    string // what would be right; may be empty
}

// Compile checks and plans an expression. On faults the program is nil.
func (e *Env) Compile(source string) (*Program, []Fault) {
	if strings.TrimSpace(source) == "" {
		return nil, []Fault{{Message: "the expression is empty", Hint: "leave it out, or write true"}}
	}
	if i := templateIn(source); i >= 0 {
		return nil, []Fault{{Offset: i, Message: "${ } inside an expression", Hint: "this field is an expression already: write the inner expression itself, without ${ and }"}}
	}
	parsed, issues := e.cel.Parse(source)
	if issues.Err() != nil {
		return nil, syntaxFaults(source, issues.Errors())
	}
	faults, ipData := e.checkNames(source, parsed.NativeRep())
	if len(faults) > 0 {
		return nil, faults
	}
	checked, issues := e.cel.Check(parsed)
	if issues.Err() != nil {
		return nil, typeFaults(source, issues.Errors())
	}
	p, faults := e.plan(source, checked)
	if p != nil {
		p.ipData = ipData
	}
	return p, faults
}

// plan makes the program; only here regular expressions and literals are
// looked into, so a fault has no finer position.
func (e *Env) plan(source string, checked *cel.Ast) (*Program, []Fault) {
	p := &Program{source: source, typ: checked.OutputType(), limited: needsLimit(checked.NativeRep().Expr()), credentials: programCredentials(checked)}
	if root := checked.NativeRep().Expr(); root.Kind() == ast.LiteralKind {
		p.constant = root.AsLiteral()
	}
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if p.limited {
		opts = append(opts, cel.CostTracking(costs{}), cel.CostLimit(maxCost), cel.InterruptCheckFrequency(interruptAt))
	}
	var err error
	if p.program, err = e.cel.Program(checked, opts...); err != nil {
		return nil, []Fault{{Message: strings.TrimPrefix(err.Error(), "ERROR: ")}}
	}
	return p, nil
}

// unbounded are the functions whose work can outgrow the expression and the
// request; evaluations that use them, or a loop, count their cost.
var unbounded = map[string]bool{"format": true, "lists.range": true, "flatten": true, "sort": true, "@sortByAssociatedKeys": true}

func needsLimit(root ast.Expr) bool {
	needed := false
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			needed = true
		case ast.CallKind:
			needed = needed || unbounded[e.AsCall().FunctionName()]
		}
	}))
	return needed
}

// syntaxFaults gives the first only: what follows it is its echo.
func syntaxFaults(source string, errs []*common.Error) []Fault {
	first := errs[0]
	f := Fault{Offset: offsetOf(source, first.Location), Message: first.Message}
	if rest, ok := strings.CutPrefix(first.Message, "Syntax error: "); ok {
		f.Message, _, _ = strings.Cut("syntax error: "+rest, " expecting {")
		f.Hint = syntaxHint(source, f.Offset)
	}
	return []Fault{f}
}

// syntaxHint says what would be right near offset, the place of the fault.
func syntaxHint(source string, offset int) string {
	switch {
	case strings.Count(source, "(") > strings.Count(source, ")"):
		return "a closing parenthesis is missing"
	case strings.Count(source, "(") < strings.Count(source, ")"):
		return "there is a closing parenthesis too many"
	case strings.Contains(source, " for ") && strings.Contains(source, " in "):
		return "write list.map(x, ...) or list.filter(x, ...)"
	case strings.Contains(source, " and ") || strings.Contains(source, " or ") || strings.Contains(source, " not "):
		return "write && for and, || for or, ! for not"
	case strings.Contains(source, "==="):
		return "write == to compare"
	case strings.TrimSpace(source[offset:]) == "":
		return "the expression ends too early: a value must follow, as in req.method == 'POST'"
	}
	return "write a CEL expression, such as req.method == 'POST' && req.url.path.startsWith('/api/')"
}

func typeFaults(source string, errs []*common.Error) []Fault {
	faults := make([]Fault, 0, len(errs))
	for _, err := range errs {
		message := strings.ReplaceAll(err.Message, " (in container '')", "")
		faults = append(faults, Fault{Offset: offsetOf(source, err.Location), Message: message, Hint: typeHint(message)})
	}
	return faults
}

func typeHint(message string) string {
	switch {
	case !strings.Contains(message, "no matching overload"):
		return ""
	case strings.Contains(message, "'list(string).(") || strings.Contains(message, "'(list(string), string)'"):
		return "the value is a list: take an element ([0]) or test them all with exists(v, ...)"
	case strings.Contains(message, "'!_' applied to '(string)'"):
		return "only true and false can be negated; compare the text with == '' or != ''"
	case strings.Contains(message, "(int, string)") || strings.Contains(message, "(string, int)"):
		return "convert one side with int(...) or string(...)"
	case strings.Contains(message, "(string, timestamp)") || strings.Contains(message, "(timestamp, string)"):
		return "convert the text with timestamp(...)"
	}
	return "it does not take values of these types; convert them, with string(...), int(...) or double(...)"
}

// offsetOf turns CEL's line and column (in code points) into bytes.
func offsetOf(source string, at common.Location) int {
	offset := 0
	for line := 1; line < at.Line(); line++ {
		i := strings.IndexByte(source[offset:], '\n')
		if i < 0 {
			break
		}
		offset += i + 1
	}
	for range at.Column() {
		if offset >= len(source) {
			return len(source)
		}
		_, size := utf8.DecodeRuneInString(source[offset:])
		offset += size
	}
	return offset
}

// String is the fault as one line.
func (f Fault) String() string {
	if f.Hint == "" {
		return f.Message
	}
	return fmt.Sprintf("%s; %s", f.Message, f.Hint)
}
