package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// macros rewrite what CEL itself would refuse or read differently.
func macros(isVariable func(string) bool) []cel.Macro {
	out := []cel.Macro{
		cel.GlobalMacro("has", 1, expandHas(isVariable)),
		cel.ReceiverMacro("get", 2, expandSecret),
		ours("split", 0), ours("split", 1), ours("split", 2),
		ours("replace", 2), ours("replace", 3),
		ours("join", 0), ours("join", 1), ours("distinct", 0),
	}
	for _, lookup := range []struct{ suffix, root, field string }{
		{"ReqHeader", "req", "headers"}, {"ResHeader", "res", "headers"},
	} {
		out = append(out, contains("has"+lookup.suffix, lookup.root, lookup.field), call("get"+lookup.suffix, "@values", lookup.root, lookup.field))
	}
	return append(out,
		contains("hasReqCookie", "req", "cookies"), call("getReqCookie", "@cookie", "req", "cookies"),
		contains("hasResCookie", "res", "cookies"), call("getResCookie", "@cookie", "res", "cookies"),
		contains("hasQueryParam", "req", "url", "query_params"), call("getQueryParam", "@values", "req", "url", "query_params"))
}

// expandHas accepts has(a.b), for variables too, and has(a['b']), which CEL
// does not know.
func expandHas(isVariable func(string) bool) cel.MacroFactory {
	return func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		arg := args[0]
		switch {
		case arg.Kind() == ast.SelectKind:
			if isVariable(dotted(arg)) {
				return f.NewCall("@present", arg), nil
			}
			sel := arg.AsSelect()
			return f.NewPresenceTest(sel.Operand(), sel.FieldName()), nil
		case arg.Kind() == ast.CallKind && arg.AsCall().FunctionName() == operators.Index:
			return f.NewCall("@has_index", arg.AsCall().Args()...), nil
		}
		return nil, f.NewError(arg.ID(), "has() takes a member, such as has(req.url.port), or an entry, such as has(req.headers['x-id'])")
	}
}

// dotted is the name that a chain of selections spells, or "".
func dotted(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		if prefix := dotted(e.AsSelect().Operand()); prefix != "" {
			return prefix + "." + e.AsSelect().FieldName()
		}
	}
	return ""
}

// ours leads x.name(...) to our own function of that name.
func ours(name string, args int) cel.Macro {
	return cel.ReceiverMacro(name, args, func(f cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return f.NewCall("@"+name, append([]ast.Expr{target}, args...)...), nil
	})
}

// expandSecret turns secrets.get(vault, name) into a call that knows the run.
func expandSecret(f cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if target.Kind() != ast.IdentKind || target.AsIdent() != "secrets" {
		return nil, nil //nolint:nilnil // the parser's way to say: not this macro
	}
	return f.NewCall("@secret", f.NewIdent("@run"), args[0], args[1]), nil
}

// contains makes name(k) mean k in root.path.
func contains(name, root string, path ...string) cel.Macro {
	return cel.GlobalMacro(name, 1, func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return f.NewCall(operators.In, args[0], member(f, root, path)), nil
	})
}

// call makes name(k) mean function(root.path, k).
func call(name, function, root string, path ...string) cel.Macro {
	return cel.GlobalMacro(name, 1, func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return f.NewCall(function, member(f, root, path), args[0]), nil
	})
}

func member(f cel.MacroExprFactory, root string, path []string) ast.Expr {
	e := f.NewIdent(root)
	for _, field := range path {
		e = f.NewSelect(e, field)
	}
	return e
}
