package expr

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
)

// Env compiles expressions for one phase. It is immutable and safe for
// concurrent use; building one costs milliseconds, so build it once.
type Env struct {
	cel       *cel.Env
	scope     Scope
	getters   map[string]func(*Vars) ref.Val // readable in scope
	variables map[string]Variable            // of every scope, to explain mistakes
	names     []string                       // of variables in scope, sorted
	functions []string                       // callable by name, sorted
}

// NewEnv prepares a phase. results are the variables that actions publish.
func NewEnv(scope Scope, results []Variable) (*Env, error) {
	e := &Env{scope: scope, getters: map[string]func(*Vars) ref.Val{"@run": func(v *Vars) ref.Val { return runValue{v} }}, variables: map[string]Variable{}}
	opts := functionOptions(func(name string) bool { _, ok := e.variables[name]; return ok })
	for _, v := range append(builtin(), results...) {
		e.variables[v.Name] = v
		if v.Scope&scope == 0 {
			continue
		}
		e.getters[v.Name] = v.get
		e.names = append(e.names, v.Name)
		opts = append(opts, cel.Variable(v.Name, v.Type))
	}
	slices.Sort(e.names)
	var err error
	if e.cel, err = cel.NewEnv(opts...); err != nil {
		return nil, fmt.Errorf("expression environment of %s: %w", scope, err)
	}
	e.functions = callable(e.cel)
	return e, nil
}

// callable lists the functions and macros that an expression can name.
func callable(env *cel.Env) []string {
	seen := map[string]bool{"secrets.get": true}
	for name := range env.Functions() {
		seen[name] = true
	}
	for _, m := range env.Macros() {
		seen[m.Function()] = true
	}
	delete(seen, "get")
	var names []string
	for name := range seen {
		if c := name[0]; c >= 'a' && c <= 'z' && !strings.ContainsAny(name, "@_") || name == "basic_auth.encode" || name == "exists_one" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Variables lists what expressions of this phase can read, sorted by name.
func (e *Env) Variables() []Variable {
	out := make([]Variable, len(e.names))
	for i, name := range e.names {
		out[i] = e.variables[name]
	}
	return out
}

// Functions lists what expressions can call, sorted.
func (e *Env) Functions() []string { return slices.Clone(e.functions) }
