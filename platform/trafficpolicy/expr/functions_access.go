package expr

import (
	"errors"
	"math/rand/v2"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

var runType = cel.OpaqueType("sluice.run")

// accessFunctions are what the macros of this package expand to; names with @
// cannot be written in an expression.
func accessFunctions() []cel.EnvOption {
	keyed := cel.MapType(cel.TypeParamType("K"), cel.TypeParamType("V"))
	items := cel.ListType(cel.TypeParamType("V"))
	return []cel.EnvOption{
		cel.Function("@present", cel.Overload("present_any", []*cel.Type{dynamic}, boolean, cel.OverloadIsNonStrict(), cel.UnaryBinding(present))),
		cel.Function("@has_index",
			cel.Overload("has_index_map", []*cel.Type{keyed, cel.TypeParamType("K")}, boolean, cel.BinaryBinding(hasIndex)),
			cel.Overload("has_index_list", []*cel.Type{items, integer}, boolean, cel.BinaryBinding(hasIndex))),
		cel.Function("@values", cel.Overload("values_map", []*cel.Type{multi, str}, stringList, cel.BinaryBinding(func(m, key ref.Val) ref.Val {
			if v, found := m.(traits.Mapper).Find(key); found {
				return v
			}
			return list(nil)
		}))),
		cel.Function("@cookie", cel.Overload("cookie_map", []*cel.Type{dynamic, str}, dynamic, cel.BinaryBinding(firstCookie))),
		cel.Function("@secret", cel.Overload("secret_read", []*cel.Type{runType, str, str}, str, cel.FunctionBinding(readSecret))),
		cel.Variable("@run", runType),
	}
}

// present is false for an absent variable and passes other errors on.
func present(v ref.Val) ref.Val {
	if err, ok := v.(*types.Err); ok {
		if errors.Is(err, errAbsent) {
			return types.False
		}
		return err
	}
	return types.True
}

func hasIndex(container, index ref.Val) ref.Val {
	switch c := container.(type) {
	case traits.Mapper:
		_, found := c.Find(index)
		return types.Bool(found)
	case traits.Lister:
		i, ok := index.(types.Int)
		return types.Bool(ok && i >= 0 && i < c.Size().(types.Int))
	}
	return types.MaybeNoSuchOverloadErr(container)
}

// noCookie is what reading an absent cookie gives.
var noCookie = types.DefaultTypeAdapter.NativeToValue(map[string]any{
	"name": "", "value": "", "domain": "", "path": "", "same_site": "", "http_only": false, "secure": false,
})

func firstCookie(cookies, name ref.Val) ref.Val {
	m, ok := cookies.(traits.Mapper)
	if !ok {
		return types.MaybeNoSuchOverloadErr(cookies)
	}
	found, ok := m.Find(name)
	if !ok {
		return noCookie
	}
	return found.(traits.Lister).Get(types.Int(0))
}

func randomFunctions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function("rand.double", cel.Overload("rand_double", nil, cel.DoubleType, cel.FunctionBinding(func(...ref.Val) ref.Val {
			return types.Double(rand.Float64()) //nolint:gosec // sampling, not secrets
		}))),
		cel.Function("rand.int",
			cel.Overload("rand_int", nil, integer, cel.FunctionBinding(func(...ref.Val) ref.Val { return randomInt(0, 1) })),
			cel.Overload("rand_int_int_int", []*cel.Type{integer, integer}, integer, cel.BinaryBinding(func(low, high ref.Val) ref.Val {
				return randomInt(int64(low.(types.Int)), int64(high.(types.Int)))
			}))),
	}
}

// randomInt is in [low, high], both included.
func randomInt(low, high int64) ref.Val {
	if low < 0 || high < low || high-low == 1<<63-1 {
		return failure("rand.int needs 0 <= min <= max, not %d and %d", low, high)
	}
	return types.Int(low + rand.Int64N(high-low+1)) //nolint:gosec // sampling, not secrets
}
