package expr

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Variable is a name that expressions can read. Its full dotted name is one CEL
// variable, so "req.url" is a plain string although "req.url.path" exists too.
type Variable struct {
	Name        string
	Type        *cel.Type
	Scope       Scope
	Description string

	get    func(*Vars) ref.Val
	ipData bool // needs an [IPDataSource]
}

// errAbsent marks a variable that has no value for this exchange, such as the
// length of a streamed body or the result of an action that has not run. has()
// answers false for it, everything else fails.
var errAbsent = errors.New("has no value")

// absent is the value of a variable that has none.
func absent(name string) ref.Val {
	return types.WrapErr(fmt.Errorf("%s %w here; test it with has()", name, errAbsent))
}

var (
	str        = cel.StringType
	integer    = cel.IntType
	boolean    = cel.BoolType
	timestamp  = cel.TimestampType
	dynamic    = cel.DynType
	stringList = cel.ListType(cel.StringType)
	params     = cel.MapType(cel.StringType, cel.StringType)
	multi      = cel.MapType(cel.StringType, stringList)
)

// builtin lists every variable that does not come from an action.
func builtin() []Variable {
	var all []Variable
	for _, group := range [][]Variable{
		connVariables(), ipVariables("conn.client_ip"), ipVariables("conn.server_ip"), geoVariables(), tlsVariables(),
		endpointVariables(), requestVariables(), bodyVariables(), urlVariables(), agentVariables(), responseVariables(),
	} {
		all = append(all, group...)
	}
	return append(all, Variable{Name: "vars", Type: cel.MapType(str, dynamic), Scope: anyPhase,
		Description: "Values set by set-vars in this phase.", get: func(v *Vars) ref.Val { return v.userVars() }})
}

// Result declares a variable that an action publishes: value field of the
// action type that owns slot, see [Vars.Publish]. It is readable under each of
// the given names.
func Result(slot, field int, typ *cel.Type, description string, names ...string) []Variable {
	out := make([]Variable, 0, len(names))
	for _, name := range names {
		missing := absent(name)
		out = append(out, Variable{Name: name, Type: typ, Scope: anyPhase, Description: description, get: func(v *Vars) ref.Val {
			if slot < len(v.results) && field < len(v.results[slot]) && v.results[slot][field] != nil {
				return v.results[slot][field]
			}
			return missing
		}})
	}
	return out
}

// Alias gives a variable further names, under which it has a value once the
// action type that owns slot has run.
func Alias(slot int, v Variable, names ...string) []Variable {
	out := make([]Variable, 0, len(names))
	for _, name := range names {
		missing := absent(name)
		out = append(out, Variable{Name: name, Type: v.Type, Scope: anyPhase, Description: v.Description, get: func(vars *Vars) ref.Val {
			if len(vars.Published(slot)) == 0 {
				return missing
			}
			return v.get(vars)
		}})
	}
	return out
}

func text(name string, scope Scope, description string, get func(*Vars) string) Variable {
	return Variable{Name: name, Type: str, Scope: scope, Description: description, get: func(v *Vars) ref.Val { return types.String(get(v)) }}
}

func number(name string, scope Scope, description string, get func(*Vars) int64) Variable {
	return Variable{Name: name, Type: integer, Scope: scope, Description: description, get: func(v *Vars) ref.Val { return types.Int(get(v)) }}
}
