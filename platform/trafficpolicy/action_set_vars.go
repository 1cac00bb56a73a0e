package trafficpolicy

import (
	"context"
	"fmt"

	"cel.dev/cel-go/common/types"
	"gopkg.in/yaml.v3"
)

func init() {
	register(ActionInfo{
		Type:        "set-vars",
		Summary:     "Gives names to values; later rules and actions of the phase read them as vars.<name>.",
		Phases:      wholePhases,
		Terminating: Never,
		Fields: []Field{{Name: "vars", Kind: Custom, Template: true, Required: true,
			Description: "A list of one-entry mappings, or a mapping. Each value may use those before it; one that is exactly one ${} keeps its type.", Example: "[{tier: gold}]"}},
	}, newSetVars)
}

type setVars struct{ vars []variable }

type variable struct {
	name  string
	value *tree
}

func newSetVars(c *config) action {
	a := &setVars{}
	v := c.get("vars")
	if !c.has("vars") {
		return a
	}
	switch v.node.Kind {
	case yaml.MappingNode:
		a.add(c, v.node, v.path)
	case yaml.SequenceNode:
		for i, item := range v.node.Content {
			path := index(v.path, i)
			item = resolve(item)
			if item.Kind != yaml.MappingNode || len(item.Content) != 2 {
				c.compiler.report(item, path, CodeVars, "each entry must be a mapping of one name to its value, not "+describe(item), "such as - tier: gold")
				continue
			}
			a.add(c, item, path)
		}
	default:
		c.fault("vars", CodeVars, "vars must be a list of one-entry mappings, not "+describe(v.node), "such as vars: [{tier: gold}]")
	}
	return a
}

func (a *setVars) add(c *config, n *yaml.Node, path string) {
	for key, value := range pairs(n) {
		v := variable{name: key.Value, value: c.decodeTree(value, join(path, key.Value), true)}
		c.compiler.variables |= v.value.credentials()
		a.vars = append(a.vars, v)
	}
}

func (a *setVars) run(_ context.Context, r *Run) (*Outcome, error) {
	for _, v := range a.vars {
		value, err := v.value.value(&r.vars, true)
		if err != nil {
			return nil, &failure{CodeTemplateFailed, fmt.Errorf("vars.%s: %w", v.name, err)}
		}
		r.vars.Set(v.name, types.DefaultTypeAdapter.NativeToValue(value))
	}
	return nil, nil //nolint:nilnil // the phase goes on
}
