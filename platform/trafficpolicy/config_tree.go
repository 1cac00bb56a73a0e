package trafficpolicy

import (
	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy/expr"
)

// tree is a value of any shape whose texts may be templates.
type tree struct {
	literal any
	text    *expr.Template
	list    []*tree
	keys    []string
	entries []*tree // of keys
}

func (c *config) decodeTree(n *yaml.Node, path string, templates bool) *tree {
	n = resolve(n)
	t := &tree{}
	switch n.Kind {
	case yaml.SequenceNode:
		t.list = []*tree{}
		for i, item := range n.Content {
			t.list = append(t.list, c.decodeTree(item, index(path, i), templates))
		}
	case yaml.MappingNode:
		t.entries = []*tree{}
		for key, item := range pairs(n) {
			t.keys = append(t.keys, key.Value)
			t.entries = append(t.entries, c.decodeTree(item, join(path, key.Value), templates))
		}
	default:
		if n.Tag == "!!str" && templates {
			t.text = c.compiler.template(c.env, n, path)
		} else if err := n.Decode(&t.literal); err != nil {
			c.compiler.report(n, path, CodeValue, "cannot be read: "+err.Error(), "")
		}
	}
	return t
}

// value renders the templates. Values of expressions stay CEL values when keep
// is set and become plain Go values otherwise.
func (t *tree) value(v *expr.Vars, keep bool) (any, error) {
	switch {
	case t.text != nil:
		val, err := t.text.Value(v)
		if err != nil || keep {
			return val, err
		}
		return expr.Plain(val), nil
	case t.list != nil:
		out := make([]any, len(t.list))
		for i, item := range t.list {
			var err error
			if out[i], err = item.value(v, keep); err != nil {
				return nil, err
			}
		}
		return out, nil
	case t.entries != nil:
		out := make(map[string]any, len(t.keys))
		for i, key := range t.keys {
			var err error
			if out[key], err = t.entries[i].value(v, keep); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return t.literal, nil
}

// credentials is what the templates read.
func (t *tree) credentials() (all expr.Credentials) {
	if t.text != nil {
		all = t.text.Credentials()
	}
	for _, item := range t.list {
		all |= item.credentials()
	}
	for _, item := range t.entries {
		all |= item.credentials()
	}
	return all
}
