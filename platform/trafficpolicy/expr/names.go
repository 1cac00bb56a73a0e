package expr

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"sluice.dev/platform/trafficpolicy/nearest"
)

// nameChecker looks every name of an expression up before CEL does, because it
// can say what was probably meant.
type nameChecker struct {
	env    *Env
	ast    *ast.AST
	source string
	bound  []string // variables of the loops around
	faults []Fault
	ipData *Read // the first variable that needs an IPDataSource
	tests  bool  // has() asks for such a variable
}

// Read is a variable that an expression reads.
type Read struct {
	Name   string
	Offset int // in bytes from the start of the source
}

func (e *Env) checkNames(source string, parsed *ast.AST) (faults []Fault, ipData *Read) {
	c := &nameChecker{env: e, ast: parsed, source: source}
	c.visit(parsed.Expr())
	if c.tests {
		return c.faults, nil // whoever wrote it knows
	}
	return c.faults, c.ipData
}

func (c *nameChecker) visit(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind, ast.SelectKind:
		c.visitName(e)
	case ast.CallKind:
		c.visitCall(e)
	case ast.ListKind:
		c.visitAll(e.AsList().Elements())
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			c.visit(entry.AsMapEntry().Key())
			c.visit(entry.AsMapEntry().Value())
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			c.visit(field.AsStructField().Value())
		}
	case ast.ComprehensionKind:
		c.visitLoop(e.AsComprehension())
	}
}

func (c *nameChecker) visitAll(list []ast.Expr) {
	for _, e := range list {
		c.visit(e)
	}
}

func (c *nameChecker) visitLoop(loop ast.ComprehensionExpr) {
	c.visit(loop.IterRange())
	c.visit(loop.AccuInit())
	c.bound = append(c.bound, loop.IterVar(), loop.IterVar2(), loop.AccuVar())
	c.visit(loop.LoopCondition())
	c.visit(loop.LoopStep())
	c.visit(loop.Result())
	c.bound = c.bound[:len(c.bound)-3]
}

func (c *nameChecker) visitCall(e ast.Expr) {
	call := e.AsCall()
	name := call.FunctionName()
	if name == "@present" {
		before := c.ipData
		c.ipData = nil
		defer func() { c.tests, c.ipData = c.tests || c.ipData != nil, before }()
	}
	if call.IsMemberFunction() {
		if prefix := dotted(call.Target()); prefix != "" && c.env.cel.HasFunction(prefix+"."+name) {
			c.visitAll(call.Args())
			return
		}
		c.visit(call.Target())
	}
	if !c.env.cel.HasFunction(name) {
		c.unknownFunction(e, name)
	}
	c.visitAll(call.Args())
}

func (c *nameChecker) unknownFunction(e ast.Expr, name string) {
	f := Fault{Offset: c.offset(e), Message: fmt.Sprintf("unknown function %s()", name)}
	if word, ok := familiar[name]; ok {
		f.Hint = word
	} else if word := nearest.Word(name, c.env.functions); word != "" {
		f.Hint = "did you mean " + word + "()?"
	}
	c.faults = append(c.faults, f)
}

// familiar are functions that other languages have.
var familiar = map[string]string{
	"includes":    "did you mean contains()?",
	"has_key":     "test a key with 'k' in map, or with has(map['k'])",
	"get":         "read an entry with map['k'], a header with req.headers['name'][0]",
	"toLowerCase": "did you mean lower()?",
	"toUpperCase": "did you mean upper()?",
	"tolower":     "did you mean lower()?",
	"length":      "did you mean size()?",
	"len":         "did you mean size()?",
	"match":       "did you mean matches()?",
	"regex":       "did you mean matches()?",
	"now":         "read the time from time.now",
	"count":       "count with size(list.filter(x, ...))",
	"startswith":  "did you mean startsWith()?",
	"endswith":    "did you mean endsWith()?",
	"any":         "did you mean exists()?",
}

// visitName checks a dotted name, or the value that a member is selected from.
func (c *nameChecker) visitName(e ast.Expr) {
	name, root := dotted(e), rootOf(e)
	if name == "" {
		c.visit(e.AsSelect().Operand())
		return
	}
	first, _, _ := strings.Cut(name, ".")
	if slices.Contains(c.bound, first) || first == "@run" || c.isType(name) {
		return
	}
	for prefix := name; prefix != ""; prefix = parent(prefix) {
		if v, ok := c.env.variables[prefix]; ok {
			c.useVariable(root, v, strings.TrimPrefix(name[len(prefix):], "."))
			return
		}
	}
	f := Fault{Offset: c.offset(root), Message: "unknown variable " + name, Hint: c.suggest(name)}
	if strings.HasPrefix(name, "conn.k8s") {
		f = Fault{Offset: f.Offset, Message: name + " is not supported: it exists only inside Kubernetes bindings"}
	}
	c.faults = append(c.faults, f)
}

// useVariable checks that v may be read in this phase and has such members.
func (c *nameChecker) useVariable(root ast.Expr, v Variable, member string) {
	if v.Scope&c.env.scope == 0 {
		c.faults = append(c.faults, Fault{Offset: c.offset(root), Message: fmt.Sprintf("%s cannot be read in %s", v.Name, c.env.scope),
			Hint: "it can be read in " + v.Scope.String()})
		return
	}
	if v.ipData && c.ipData == nil {
		c.ipData = &Read{Name: v.Name, Offset: c.offset(root)}
	}
	if member == "" || v.Type.Kind() == cel.MapKind || v.Type.Kind() == cel.DynKind {
		return
	}
	name := v.Name + "." + member
	c.faults = append(c.faults, Fault{Offset: c.offset(root), Message: fmt.Sprintf("%s has no member %s", v.Name, member), Hint: c.suggest(name)})
}

// misnamed are names that look right and are not, with what was meant.
var misnamed = map[string]string{
	"req.path": "req.url.path", "req.query": "req.url.query", "req.raw": "req.url.raw", "req.header": "req.headers",
	"req.uri": "req.url.uri", "req.ip": "conn.client_ip", "req.client_ip": "conn.client_ip", "req.useragent": "req.user_agent",
	"req.scheme": "req.url.scheme", "req.params": "req.url.query_params", "res.status": "res.status_code", "res.code": "res.status_code",
	"res.header": "res.headers", "conn.ip": "conn.client_ip", "conn.client.ip": "conn.client_ip", "client_ip": "conn.client_ip",
	"now": "time.now", "headers": "req.headers", "method": "req.method", "path": "req.url.path",
}

func (c *nameChecker) suggest(name string) string {
	written := name
	name = strings.Replace(strings.Replace(name, "request.", "req.", 1), "response.", "res.", 1)
	for prefix := name; prefix != ""; prefix = parent(prefix) {
		if right, ok := misnamed[prefix]; ok {
			return "did you mean " + right + "?"
		}
		if slices.Contains(c.env.names, prefix) && prefix != written {
			return "did you mean " + prefix + "?"
		}
		if _, ok := c.env.variables[prefix]; ok && strings.Contains(prefix, ".") {
			if word := nearest.Word(name, c.env.names); word != "" {
				return "did you mean " + word + "?"
			}
			return ""
		}
		if word := nearest.Word(prefix, c.env.names); word != "" {
			return "did you mean " + word + "?"
		}
	}
	return ""
}

// isType allows the names of types, as in type(x) == string.
func (c *nameChecker) isType(name string) bool {
	_, found := c.env.cel.CELTypeProvider().FindIdent(name)
	return found
}

func (c *nameChecker) offset(e ast.Expr) int {
	return offsetOf(c.source, c.ast.SourceInfo().GetStartLocation(e.ID()))
}

func parent(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i]
	}
	return ""
}

func rootOf(e ast.Expr) ast.Expr {
	for e.Kind() == ast.SelectKind {
		e = e.AsSelect().Operand()
	}
	return e
}
