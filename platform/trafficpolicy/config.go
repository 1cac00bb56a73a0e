package trafficpolicy

import (
	"fmt"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy/expr"
)

// config is an action's checked options, as its bind function reads them.
// Fields that were faulty or absent read as their default.
type config struct {
	compiler *compiler
	spec     *spec
	env      *expr.Env
	path     string
	node     *yaml.Node // the mapping, or the action when there is no config
	values   map[string]*value
}

// value is one option; which member is set depends on the field's kind.
type value struct {
	node     *yaml.Node
	path     string
	text     *expr.Template
	integer  int64
	boolean  bool
	duration time.Duration
	texts    []*expr.Template
	programs []*expr.Program
	pairs    []pair
	tree     *tree
}

// pair is an entry of a TextMap.
type pair struct {
	node  *yaml.Node
	name  string
	value *expr.Template
}

// has reports whether the document gives the field.
func (c *config) has(field string) bool { return c.values[field] != nil }

func (c *config) get(field string) *value {
	if v := c.values[field]; v != nil {
		return v
	}
	return &value{node: c.node, path: join(c.path, field)}
}

func (c *config) text(field string) *expr.Template {
	if t := c.get(field).text; t != nil {
		return t
	}
	s, _ := c.fallback(field).(string)
	return expr.Literal(s)
}

func (c *config) word(field string) string {
	s, _ := c.text(field).Static()
	return s
}

func (c *config) integer(field string) int64 {
	if c.has(field) {
		return c.get(field).integer
	}
	n, _ := c.fallback(field).(int64)
	return n
}

func (c *config) boolean(field string) bool {
	if c.has(field) {
		return c.get(field).boolean
	}
	b, _ := c.fallback(field).(bool)
	return b
}

func (c *config) fallback(field string) any {
	for _, f := range c.spec.Fields {
		if f.Name == field {
			return f.Default
		}
	}
	return nil
}

// fault reports a problem with a field.
func (c *config) fault(field string, code Code, message, hint string) {
	v := c.get(field)
	c.compiler.report(v.node, v.path, code, message, hint)
}

// read checks a config mapping against the fields of the action.
func (c *config) read() {
	if c.node.Kind == yaml.MappingNode {
		for key, node := range pairs(c.node) {
			c.readField(key, resolve(node))
		}
	}
	for _, f := range c.spec.Fields {
		if f.Required && c.values[f.Name] == nil {
			c.compiler.report(c.node, c.path, CodeMissing, fmt.Sprintf("%s needs the field %s", c.spec.Type, f.Name), example(f))
		}
	}
}

func example(f Field) string {
	if f.Example == "" {
		return ""
	}
	return "such as " + f.Name + ": " + f.Example
}

func (c *config) readField(key, node *yaml.Node) {
	path := join(c.path, key.Value)
	i := slices.IndexFunc(c.spec.Fields, func(f Field) bool { return f.Name == key.Value || slices.Contains(f.Aliases, key.Value) })
	if i < 0 {
		c.compiler.report(key, path, CodeUnknownField, fmt.Sprintf("%s has no field %q", c.spec.Type, key.Value), c.unknownHint(key.Value))
		return
	}
	field := c.spec.Fields[i]
	if c.values[field.Name] != nil {
		if key.Value != field.Name {
			c.compiler.report(key, path, CodeDuplicate, fmt.Sprintf("%s is another name of %s, which is given too", key.Value, field.Name), "")
		}
		return
	}
	v := &value{node: node, path: path}
	c.values[field.Name] = v
	c.decode(field, v)
}

func (c *config) unknownHint(field string) string {
	if c.spec.Type == "deny" && field == "body" {
		return "deny answers without a body; use custom-response"
	}
	var names []string
	for _, f := range c.spec.Fields {
		names = append(names, f.Name)
	}
	return fieldHint(field, names)
}
