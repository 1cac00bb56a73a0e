package expr

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// runValue hands the evaluation to functions that need more than their
// arguments; expressions can neither name nor inspect it.
type runValue struct{ vars *Vars }

var _ ref.Val = runValue{}

func (r runValue) ConvertToNative(reflect.Type) (any, error) { return nil, errNoConversion }
func (r runValue) ConvertToType(ref.Type) ref.Val            { return types.WrapErr(errNoConversion) }
func (r runValue) Equal(ref.Val) ref.Val                     { return types.False }
func (r runValue) Type() ref.Type                            { return runType }
func (r runValue) Value() any                                { return r.vars }

// readSecret is secrets.get(vault, name). The error names the secret and never
// its value.
func readSecret(args ...ref.Val) ref.Val {
	v := args[0].(runValue).vars
	vault, name := string(args[1].(types.String)), string(args[2].(types.String))
	if v.Secrets == nil {
		return failure("secrets.get(%q, %q): this gateway has no secrets", vault, name)
	}
	value, err := v.Secrets.Secret(v.ctx, vault, name)
	if err != nil {
		return failure("secrets.get(%q, %q): %v", vault, name, err)
	}
	if value != "" {
		v.used = append(v.used, value)
	}
	return types.String(value)
}
