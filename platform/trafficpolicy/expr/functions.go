package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// Limits that keep one expression from taking the gateway's time or memory.
const (
	maxSource   = 16 << 10 // bytes of one expression
	maxDepth    = 100      // nesting of one expression
	maxNodes    = 10_000   // nodes of one expression, macros expanded
	maxRange    = 10_000   // elements of lists.range
	maxRegexp   = 2_000    // instructions of a compiled regular expression
	maxText     = 1 << 20  // bytes of a text that a function makes
	maxParts    = 10_000   // elements of a list that split makes
	maxCost     = 100_000  // CEL cost units of one evaluation, about 10 ms
	interruptAt = 100      // loop turns between looks at the context
)

// functionOptions declares everything that expressions can call beyond CEL's
// standard library.
func functionOptions(isVariable func(string) bool) []cel.EnvOption {
	opts := []cel.EnvOption{
		ext.Strings(), ext.Lists(ext.ListsMaxRangeSize(maxRange)), ext.Encoders(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxDepth),
		cel.ExpressionNodeLimit(maxNodes),
		cel.RegexProgramSizeLimit(maxRegexp),
		cel.Function("contains", cel.MemberOverload("list_contains_string", []*cel.Type{stringList, str}, boolean, cel.BinaryBinding(anyContains))),
	}
	for _, group := range [][]cel.EnvOption{textFunctions(), hashFunctions(), encodingFunctions(), urlFunctions(), ipFunctions(), accessFunctions(), randomFunctions()} {
		opts = append(opts, group...)
	}
	return append(opts, cel.Macros(macros(isVariable)...))
}

// method declares s.name() and, when global is not empty, global(s) too; both
// take one string.
func method(name, global string, result *cel.Type, apply func(string) ref.Val) []cel.EnvOption {
	bind := cel.UnaryBinding(func(v ref.Val) ref.Val {
		s, ok := v.(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(v)
		}
		return apply(string(s))
	})
	opts := []cel.EnvOption{cel.Function(name, cel.MemberOverload("string_"+name, []*cel.Type{str}, result, bind))}
	if global != "" {
		opts = append(opts, cel.Function(global, cel.Overload(global+"_string", []*cel.Type{str}, result, bind)))
	}
	return opts
}

// failure is an evaluation error.
func failure(format string, args ...any) ref.Val { return types.NewErr(format, args...) }

// bounded refuses texts that are too long to be meant.
func bounded(s string) ref.Val {
	if len(s) > maxText {
		return failure("the result is longer than %d bytes", maxText)
	}
	return types.String(s)
}
