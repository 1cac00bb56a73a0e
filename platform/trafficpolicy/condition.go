package trafficpolicy

import (
	"context"

	"cel.dev/cel-go/cel"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/expr"
)

// Condition is an expression over the variables of on_http_response that stands
// outside a policy, such as in the settings of capture. It is immutable and safe
// for concurrent use.
type Condition struct{ program *expr.Program }

// CompileCondition checks an expression. The faults are empty when it can be used.
func CompileCondition(text string) (*Condition, []expr.Fault) {
	p, faults := environments()[OnHTTPResponse].Compile(text)
	if len(faults) > 0 {
		return nil, faults
	}
	if kind := p.Type().Kind(); kind != cel.BoolKind && kind != cel.DynKind {
		return nil, []expr.Fault{{Message: "gives a " + p.Type().String() + "; a condition must be true or false", Hint: "compare it with something, such as == or in"}}
	}
	return &Condition{p}, nil
}

// Holds evaluates the condition for an exchange that has ended. r is the run of its
// policy, whose results it can read; nil when none ran. Secrets have no value.
func (c *Condition) Holds(ctx context.Context, r *Run, in Input, res *message.Response) (bool, error) {
	if r == nil {
		r = (*Policy)(nil).Start(in, Services{})
		defer r.Release()
	}
	secrets := r.vars.Secrets
	defer func() { r.vars.Secrets = secrets }()
	r.vars.Secrets, r.vars.Response = nil, res
	r.vars.Begin(ctx, environments()[OnHTTPResponse])
	return c.program.EvalBool(&r.vars)
}
