package expr

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Program is a compiled expression, immutable and safe for concurrent use.
type Program struct {
	source   string
	program  cel.Program
	typ      *cel.Type
	constant ref.Val // of a literal, nil otherwise
	ipData   *Read
	limited  bool // has a loop or the like, so its cost is counted

	credentials Credentials
}

// Source is the text the program was compiled from.
func (p *Program) Source() string { return p.source }

// IPData is the first variable it reads that has a value only with an
// [IPDataSource]; nil when there is none.
func (p *Program) IPData() *Read { return p.ipData }

// Type is what the checker knows of the result.
func (p *Program) Type() *cel.Type { return p.typ }

// Constant returns the value of an expression that is a single literal.
func (p *Program) Constant() (ref.Val, bool) { return p.constant, p.constant != nil }

// Eval computes the value. It fails on absent variables, on operations that
// have no result and when the expression costs more than it may.
func (p *Program) Eval(v *Vars) (ref.Val, error) {
	if p.constant != nil {
		return p.constant, nil
	}
	var val ref.Val
	var err error
	if p.limited {
		val, _, err = p.program.ContextEval(v.ctx, v)
	} else {
		val, _, err = p.program.Eval(v)
	}
	if err != nil {
		return nil, &EvalError{Expression: p.source, Reason: v.Hide(err.Error())}
	}
	return val, nil
}

// EvalBool is Eval for a condition.
func (p *Program) EvalBool(v *Vars) (bool, error) {
	val, err := p.Eval(v)
	if err != nil {
		return false, err
	}
	b, ok := val.(types.Bool)
	if !ok {
		return false, &EvalError{Expression: p.source, Reason: fmt.Sprintf("gives %s, not true or false", val.Type().TypeName())}
	}
	return bool(b), nil
}

// EvalError says that an expression has no value for this exchange. It holds no
// secret.
type EvalError struct{ Expression, Reason string }

// Error implements error.
func (e *EvalError) Error() string { return fmt.Sprintf("expression %q: %s", e.Expression, e.Reason) }

var errNoConversion = errors.New("not convertible")

// Hide removes the secrets that were read from a text.
func (v *Vars) Hide(text string) string {
	for _, secret := range v.used {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}
