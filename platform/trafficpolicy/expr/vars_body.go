package expr

import (
	"fmt"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Bodies reads the body of a message when an expression needs it, and leaves it
// to be sent on.
type Bodies interface {
	// Body returns the whole body, its content codings undone. reason says why it
	// cannot be read; "" when it can.
	Body(response bool) (text, reason string)
}

func bodyVariables() []Variable {
	variable := func(name string, scope Scope, response bool) Variable {
		return Variable{Name: name, Type: str, Scope: scope,
			Description: "The whole body, decoded. It is held in memory, so only policies that read it cost that. Absent when it is longer than 1 MiB or cannot be decoded; a stream of events has none.",
			get: func(v *Vars) ref.Val {
				if v.Bodies == nil {
					return absent(name)
				}
				text, reason := v.Bodies.Body(response)
				if reason != "" {
					return types.WrapErr(fmt.Errorf("%s %w here, for %s; test it with has()", name, errAbsent, reason))
				}
				return types.String(text)
			}}
	}
	return []Variable{variable("req.body", OnRequest, false), variable("res.body", OnResponse, true)}
}
