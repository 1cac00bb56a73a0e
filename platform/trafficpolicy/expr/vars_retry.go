package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Retry is what the retry condition of an action sees besides everything else.
type Retry struct {
	Attempts    int64   // made so far
	LastAttempt ref.Val // a map: req, res, error
}

// RetryVariables are readable only in environments that they are given to, with
// [Program.EvalRetry].
func RetryVariables() []Variable {
	return []Variable{
		{Name: "attempts", Type: cel.IntType, Scope: anyPhase, Description: "Attempts made so far.", get: func(v *Vars) ref.Val { return types.Int(v.retry.Attempts) }},
		{Name: "last_attempt", Type: cel.MapType(cel.StringType, cel.DynType), Scope: anyPhase, Description: "The last attempt: req, res and error.",
			get: func(v *Vars) ref.Val { return v.retry.LastAttempt }},
	}
}

// EvalRetry is EvalBool for a program compiled in an environment with
// [RetryVariables].
func (p *Program) EvalRetry(env *Env, v *Vars, retry Retry) (bool, error) {
	before := v.env
	v.env, v.retry = env, retry
	defer func() { v.env, v.retry = before, Retry{} }()
	return p.EvalBool(v)
}
