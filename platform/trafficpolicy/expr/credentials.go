package expr

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"sluice.dev/platform/redact"
)

// Credentials says whether the value of an expression may be, or hold, a secret
// that a client or a vault gave: what it reads decides, not the value. It is a set.
type Credentials uint8

// What an expression reads.
const (
	ReadsVars        Credentials = 1 << iota // vars, which hold what set-vars gave them
	ReadsURL                                 // a URL or query, some parameters of which may be secrets
	ReadsCredentials                         // a secret, a cookie, a header with credentials and the like
)

// Credentials is what the program reads.
func (p *Program) Credentials() Credentials { return p.credentials }

// Credentials is what the expressions read.
func (t *Template) Credentials() (all Credentials) {
	for _, part := range t.parts {
		if part.program != nil {
			all |= part.program.credentials
		}
	}
	return all
}

// credentialVariables are secret as a whole.
var credentialVariables = []string{"req.cookies", "res.cookies", "req.url.user_password", "req.body", "res.body"}

// parameterVariables may hold secret parameters.
var parameterVariables = []string{"req.url", "req.url.raw", "req.url.query", "req.url.uri", "req.location", "res.location"}

// namedValues are maps of which only some entries are secret, by their names.
var namedValues = map[string]func(name string) bool{
	"req.headers": secretHeader, "res.headers": secretHeader, "req.trailers": secretHeader, "res.trailers": secretHeader,
	"req.url.query_params": redact.SecretName,
}

var headerRules = redact.Headers(nil)

func secretHeader(name string) bool {
	_, rule := headerRules.Redact(name, "Bearer x=y?token=z")
	return rule != ""
}

// programCredentials looks at a checked expression. A truth value tells nothing.
func programCredentials(checked *cel.Ast) Credentials {
	if checked.OutputType() == cel.BoolType {
		return 0
	}
	return credentialsOf(checked.NativeRep().Expr())
}

// credentialsOf looks at a part of one.
func credentialsOf(e ast.Expr) Credentials {
	var all Credentials
	up := func(exprs ...ast.Expr) {
		for _, x := range exprs {
			all |= credentialsOf(x)
		}
	}
	switch e.Kind() {
	case ast.IdentKind:
		return nameCredentials(e.AsIdent())
	case ast.SelectKind:
		sel := e.AsSelect()
		if secret, known := namedValues[identOf(sel.Operand())]; known {
			return unless(sel.IsTestOnly() || !secret(sel.FieldName()))
		}
		return credentialsOf(sel.Operand())
	case ast.CallKind:
		return callCredentials(e.AsCall())
	case ast.ListKind:
		up(e.AsList().Elements()...)
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			up(entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		loop := e.AsComprehension()
		up(loop.IterRange(), loop.AccuInit(), loop.LoopCondition(), loop.LoopStep(), loop.Result())
	}
	return all
}

// callCredentials: whether something is there is no secret, nor is an entry whose
// name says so.
func callCredentials(call ast.CallExpr) Credentials {
	args := call.Args()
	switch call.FunctionName() {
	case "@secret":
		return ReadsCredentials
	case "@present", "@has_index", operators.In:
		return 0
	case operators.Index, "@values":
		if secret, known := namedValues[identOf(args[0])]; known && args[1].Kind() == ast.LiteralKind {
			name, ok := args[1].AsLiteral().(types.String)
			return unless(ok && !secret(string(name)))
		}
	}
	var all Credentials
	if call.IsMemberFunction() {
		all = credentialsOf(call.Target())
	}
	for _, arg := range args {
		all |= credentialsOf(arg)
	}
	return all
}

func unless(harmless bool) Credentials {
	if harmless {
		return 0
	}
	return ReadsCredentials
}

func identOf(e ast.Expr) string {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent()
	}
	return ""
}

func nameCredentials(name string) Credentials {
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case name == "vars":
		return ReadsVars
	case slices.Contains(parameterVariables, name):
		return ReadsURL
	case namedValues[name] != nil, slices.Contains(credentialVariables, name),
		strings.HasPrefix(name, "actions.") && (redact.SecretName(last) || last == "identity_token"):
		return ReadsCredentials
	}
	return 0
}
