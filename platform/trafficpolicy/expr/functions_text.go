package expr

import (
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// textFunctions include our own split, replace, join and distinct, to which the
// macros of the same names lead: CEL's would differ (split) or let a long header
// blow up (the others).
func textFunctions() []cel.EnvOption {
	opts := method("lower", "", str, func(s string) ref.Val { return types.String(strings.ToLower(s)) })
	opts = append(opts, method("upper", "", str, func(s string) ref.Val { return types.String(strings.ToUpper(s)) })...)
	items := cel.ListType(cel.TypeParamType("T"))
	return append(opts,
		variadic("@split", stringList, 1, func(args []ref.Val) ref.Val { return list(strings.Fields(at(args, 0))) }, str),
		variadic("@split", stringList, 2, func(args []ref.Val) ref.Val { return split(at(args, 0), at(args, 1), -1) }, str, str),
		variadic("@split", stringList, 3, func(args []ref.Val) ref.Val { return split(at(args, 0), at(args, 1), whole(args, 2)) }, str, str, integer),
		variadic("@replace", str, 3, func(args []ref.Val) ref.Val { return replace(at(args, 0), at(args, 1), at(args, 2), -1) }, str, str, str),
		variadic("@replace", str, 4, func(args []ref.Val) ref.Val { return replace(at(args, 0), at(args, 1), at(args, 2), whole(args, 3)) }, str, str, str, integer),
		variadic("@join", str, 1, func(args []ref.Val) ref.Val { return join(args[0], "") }, stringList),
		variadic("@join", str, 2, func(args []ref.Val) ref.Val { return join(args[0], at(args, 1)) }, stringList, str),
		cel.Function("@distinct", cel.Overload("distinct_list", []*cel.Type{items}, items, cel.UnaryBinding(distinct))))
}

// variadic declares the overload of name that takes n arguments.
func variadic(name string, result *cel.Type, n int, apply func([]ref.Val) ref.Val, args ...*cel.Type) cel.EnvOption {
	id := name[1:] + "_" + strconv.Itoa(n)
	binding := cel.FunctionBinding(func(args ...ref.Val) ref.Val { return apply(args) })
	switch n {
	case 1:
		binding = cel.UnaryBinding(func(a ref.Val) ref.Val { return apply([]ref.Val{a}) })
	case 2:
		binding = cel.BinaryBinding(func(a, b ref.Val) ref.Val { return apply([]ref.Val{a, b}) })
	}
	return cel.Function(name, cel.Overload(id, args, result, binding))
}

// at and whole read arguments whose types the overload has checked.
func at(args []ref.Val, i int) string   { return string(args[i].(types.String)) }
func whole(args []ref.Val, i int) int64 { return int64(args[i].(types.Int)) }

// split cuts s at sep. With n >= 0 only the first n parts are kept and the rest
// is dropped, unlike CEL's own split, which leaves the rest in the last part.
func split(s, sep string, n int64) ref.Val {
	if strings.Count(s, sep) > maxParts {
		return failure("split gives more than %d parts", maxParts)
	}
	parts := strings.Split(s, sep)
	if n >= 0 && n < int64(len(parts)) {
		parts = parts[:n]
	}
	return list(parts)
}

func replace(s, old, with string, n int64) ref.Val {
	count := int64(strings.Count(s, old))
	if n >= 0 {
		count = min(count, n)
	}
	if int64(len(s))+count*int64(len(with)) > maxText {
		return failure("the result of replace is longer than %d bytes", maxText)
	}
	return types.String(strings.Replace(s, old, with, int(count)))
}

func join(items ref.Val, sep string) ref.Val {
	var b strings.Builder
	first := true
	for it := items.(traits.Lister).Iterator(); it.HasNext() == types.True; {
		s, ok := it.Next().(types.String)
		if !ok {
			return failure("join needs a list of strings")
		}
		if b.Len()+len(s)+len(sep) > maxText {
			return failure("the result of join is longer than %d bytes", maxText)
		}
		if !first {
			b.WriteString(sep)
		}
		first = false
		b.WriteString(string(s))
	}
	return types.String(b.String())
}

// distinct keeps the first of equal elements, in order.
func distinct(items ref.Val) ref.Val {
	seen := make(map[string]bool)
	out := []ref.Val{}
	for it := items.(traits.Lister).Iterator(); it.HasNext() == types.True; {
		item := it.Next()
		if key := string(AppendCanonical(nil, item)); !seen[key] {
			seen[key] = true
			out = append(out, item)
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}
