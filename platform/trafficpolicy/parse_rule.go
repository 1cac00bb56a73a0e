package trafficpolicy

import (
	"fmt"
	"iter"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy/nearest"
)

func (c *compiler) rule(n *yaml.Node, path string) Rule {
	r := Rule{Line: n.Line, path: path, node: n}
	if n.Kind != yaml.MappingNode {
		c.report(n, path, CodeConfig, "a rule must be a mapping, not "+describe(n), "a rule has name, expressions and actions")
		return r
	}
	hasActions := false
	for key, value := range pairs(n) {
		switch field := join(path, key.Value); key.Value {
		case "name":
			r.Name = c.label(value, field)
		case "expressions":
			r.expressions = c.expressions(value, field)
			for _, e := range r.expressions {
				r.Expressions = append(r.Expressions, e.Value)
			}
		case "actions":
			hasActions = true
			r.Actions = c.actions(value, field)
		default:
			c.report(key, field, CodeUnknownField, fmt.Sprintf("a rule has no field %q", key.Value), ruleHint(key.Value))
		}
	}
	if !hasActions {
		c.report(n, path, CodeNoAction, "the rule has no actions", "every rule needs actions: [{type: ...}]")
	}
	return r
}

func ruleHint(field string) string {
	switch field {
	case "if", "when", "condition", "match":
		return "conditions go into expressions: [...]"
	case "type", "config":
		return "type and config belong to an action: put them under actions"
	}
	return fieldHint(field, []string{"name", "expressions", "actions"})
}

func fieldHint(field string, known []string) string {
	if word := nearest.Word(field, known); word != "" {
		return "did you mean " + word + "?"
	}
	if len(known) == 0 {
		return "it has no fields"
	}
	return "fields are " + strings.Join(known, ", ")
}

func (c *compiler) label(n *yaml.Node, path string) string {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode {
		c.report(n, path, CodeValue, "a name must be a text, not "+describe(n), "")
		return ""
	}
	return n.Value
}

func (c *compiler) expressions(n *yaml.Node, path string) []*yaml.Node {
	n = resolve(n)
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		c.report(n, path, CodeConfig, "expressions must be a list, not "+describe(n), "put a dash before each expression; all must be true")
		return nil
	}
	var out []*yaml.Node
	for i, item := range n.Content {
		item = resolve(item)
		switch {
		case strings.HasPrefix(item.Tag, "!") && !strings.HasPrefix(item.Tag, "!!"):
			// reported by checkNodes
		case item.Kind != yaml.ScalarNode:
			c.report(item, index(path, i), CodeExpression, "an expression must be a text, not "+describe(item), "put the expression in quotes")
		default:
			out = append(out, item)
		}
	}
	return out
}

func (c *compiler) actions(n *yaml.Node, path string) []Action {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		c.report(n, path, CodeConfig, "actions must be a list, not "+describe(n), "put a dash before each action: - type: deny")
		return nil
	}
	if len(n.Content) == 0 {
		c.report(n, path, CodeNoAction, "the list of actions is empty", "every rule needs at least one action")
	}
	if len(n.Content) > c.maxActions {
		c.report(n, path, CodeActions, fmt.Sprintf("the rule has %d actions; at most %d are allowed", len(n.Content), c.maxActions), "")
	}
	actions := make([]Action, 0, len(n.Content))
	for i, item := range n.Content {
		actions = append(actions, c.action(resolve(item), index(path, i)))
	}
	return actions
}

func (c *compiler) action(n *yaml.Node, path string) Action {
	a := Action{Line: n.Line, path: path, node: n}
	if n.Kind != yaml.MappingNode {
		c.report(n, path, CodeConfig, "an action must be a mapping, not "+describe(n), "an action has type and config")
		return a
	}
	for key, value := range pairs(n) {
		switch field := join(path, key.Value); key.Value {
		case "type":
			a.Type = c.label(value, field)
			a.node = resolve(value)
		case "name":
			a.Name = c.label(value, field)
		case "config":
			if value = resolve(value); !isNull(value) {
				a.config = value
			}
		default:
			c.report(key, field, CodeUnknownField, fmt.Sprintf("an action has no field %q", key.Value), actionHint(key.Value))
		}
	}
	if a.Type == "" {
		c.report(n, join(path, "type"), CodeMissing, "the action has no type", "such as type: deny")
	}
	return a
}

func actionHint(field string) string {
	if word := nearest.Word(field, []string{"type", "name", "config"}); word != "" {
		return "did you mean " + word + "?"
	}
	return "options of an action go under config"
}

// pairs iterates over a mapping's keys and values in document order.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(*yaml.Node, *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// describe names the shape of a node for a message.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!bool":
		return "the boolean " + n.Value
	}
	if len(n.Value) > 40 {
		return fmt.Sprintf("the text %q...", n.Value[:40])
	}
	return fmt.Sprintf("the text %q", n.Value)
}
