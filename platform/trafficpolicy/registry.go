package trafficpolicy

import (
	"context"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"sluice.dev/platform/trafficpolicy/expr"
	"sluice.dev/platform/trafficpolicy/nearest"
)

// Termination says when an action ends its phase.
type Termination string

// An action always, sometimes or never ends the phase it runs in.
const (
	Never     Termination = "never"
	Sometimes Termination = "sometimes"
	Always    Termination = "always"
)

// ActionInfo describes an action type: enough to document it, to complete it in
// an editor and to check its config.
type ActionInfo struct {
	Type        string
	Summary     string
	Phases      []Phase
	Terminating Termination
	Fields      []Field
	Results     []ResultInfo // readable as actions.sluice.<type in snake case>.<name>
}

// ResultInfo is a variable that an action publishes when it has run.
type ResultInfo struct {
	Name        string // such as "credentials.authorized"
	Type        *cel.Type
	Description string
}

// Kind is the shape of a config field.
type Kind string

// The kinds of fields. Min and Max of a [Field] mean what stands behind each.
const (
	Text        Kind = "text"        // characters
	Integer     Kind = "integer"     // the value
	Boolean     Kind = "boolean"     // -
	Duration    Kind = "duration"    // nanoseconds
	Enum        Kind = "enum"        // -
	Texts       Kind = "texts"       // entries of a list of texts
	Expressions Kind = "expressions" // entries of a list of CEL expressions
	Expression  Kind = "expression"  // -; one CEL expression, which the action compiles
	TextMap     Kind = "map"         // entries of a mapping of texts
	Any         Kind = "any"         // -; any value, with templates in its texts
	Number      Kind = "number"      // the value, which may have a fraction
	Object      Kind = "object"      // -; a mapping with the fields in Fields
	Objects     Kind = "objects"     // entries of a list of such mappings
	Custom      Kind = "custom"      // -; the action reads it itself
)

// Field is one option of an action.
type Field struct {
	Name        string
	Aliases     []string // other spellings that are accepted
	Kind        Kind
	Template    bool // ${} is replaced when the action runs
	Required    bool
	Default     any // string, int64, float64, bool or time.Duration; nil when there is none
	Min, Max    int64
	Step        time.Duration // a Duration must be a multiple of it; 0: any
	Values      []string      // of an Enum
	Fields      []Field       // of an Object or of each of Objects
	Description string
	Example     string
}

// spec is a registered action type.
type spec struct {
	ActionInfo
	slot int // of its results
	bind func(c *config) action
}

// action is one action of a policy, ready to run. A nil outcome lets the phase
// go on.
type action interface {
	run(ctx context.Context, r *Run) (*Outcome, error)
}

var registry = map[string]*spec{}

// register adds an action type; each action_*.go calls it once from init.
func register(info ActionInfo, bind func(c *config) action) {
	registry[info.Type] = &spec{ActionInfo: info, slot: len(registry), bind: bind}
}

// Actions lists the supported action types by name.
func Actions() []ActionInfo {
	out := make([]ActionInfo, 0, len(registry))
	for _, s := range registry {
		out = append(out, s.ActionInfo)
	}
	slices.SortFunc(out, func(a, b ActionInfo) int { return strings.Compare(a.Type, b.Type) })
	return out
}

// planned are action types of the language that this version cannot run.
var planned = []string{
	"saml", "ai-gateway",
}

// retiredActions are former names of actions; they still work, with a warning.
var retiredActions = map[string]string{"webhook-validation": "verify-webhook"}

// unknownAction says what a type was probably meant to be.
func unknownAction(name string) (code Code, message, hint string) {
	if slices.Contains(planned, name) {
		return CodeNotSupported, "the action " + name + " is not supported yet", ""
	}
	known := slices.Clone(planned)
	for t := range registry {
		known = append(known, t)
	}
	slices.Sort(known)
	hints := map[string]string{"add-header": "add-headers", "remove-header": "remove-headers",
		"ip-restriction": "restrict-ips", "rewrite": "url-rewrite", "cors": "custom-response", "block": "deny"}
	word := hints[name]
	if word == "" {
		word = nearest.Word(name, known)
	}
	if word != "" {
		hint = "did you mean " + word + "?"
	}
	return CodeUnknownAction, "unknown action type " + quoted(name), hint
}

func quoted(s string) string { return `"` + s + `"` }

// resultVariables declares what every action publishes, under both namespaces.
func resultVariables() []expr.Variable {
	var out []expr.Variable
	for _, s := range registry {
		for i, r := range s.Results {
			name := snake(s.Type) + "." + r.Name
			if v, ok := sessionVariables()[r.Name]; ok && s.Type == terminateTLS {
				out = append(out, expr.Alias(s.slot, v, "actions.sluice."+name, "actions.ngrok."+name)...)
				continue
			}
			out = append(out, expr.Result(s.slot, i, r.Type, r.Description, "actions.sluice."+name, "actions.ngrok."+name)...)
		}
	}
	for _, t := range planned {
		none := len(registry) // a slot nobody publishes to
		out = append(out, expr.Result(none, 0, cel.DynType, "", "actions.sluice."+snake(t), "actions.ngrok."+snake(t))...)
	}
	return out
}

// snake is the name that an action type's results live under.
func snake(actionType string) string {
	switch actionType {
	case "compress-response":
		return "compress"
	case "openid-connect":
		return "oidc"
	}
	return strings.ReplaceAll(actionType, "-", "_")
}
