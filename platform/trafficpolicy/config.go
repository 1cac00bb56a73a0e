package trafficpolicy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy/expr"
)

// config is an action's checked options, as its bind function reads them.
// Fields that were faulty or absent read as their default.
type config struct {
	compiler *compiler
	spec     *spec
	fields   []Field
	env      *expr.Env
	phase    Phase
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
	number   float64
	boolean  bool
	duration time.Duration
	texts    []*expr.Template
	programs []*expr.Program
	pairs    []pair
	tree     *tree
	objects  []*config
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

func (c *config) number(field string) float64 {
	if c.has(field) {
		return c.get(field).number
	}
	n, _ := c.fallback(field).(float64)
	return n
}

func (c *config) duration(field string) time.Duration {
	if c.has(field) {
		return c.get(field).duration
	}
	d, _ := c.fallback(field).(time.Duration)
	return d
}

// words are the texts of a list field without templates.
func (c *config) words(field string) []string {
	var out []string
	for _, t := range c.get(field).texts {
		if t != nil {
			text, _ := t.Static()
			out = append(out, text)
		}
	}
	return out
}

// object is the config of an Object field; when it is absent every field of it
// reads as its default.
func (c *config) object(field string) *config {
	v := c.get(field)
	if len(v.objects) > 0 {
		return v.objects[0]
	}
	return c.nested(c.field(field), v.node, v.path)
}

// nested is the config of a mapping inside this one.
func (c *config) nested(f Field, n *yaml.Node, path string) *config {
	return &config{compiler: c.compiler, spec: c.spec, fields: f.Fields, env: c.env, phase: c.phase, path: path, node: n, values: map[string]*value{}}
}

func (c *config) field(name string) Field {
	for _, f := range c.fields {
		if f.Name == name {
			return f
		}
	}
	return Field{}
}

func (c *config) fallback(field string) any {
	for _, f := range c.fields {
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
	for _, f := range c.fields {
		if f.Required && c.values[f.Name] == nil {
			c.compiler.report(c.node, c.path, CodeMissing, fmt.Sprintf("%s needs the field %s", c.subject(), f.Name), example(f))
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
	i := slices.IndexFunc(c.fields, func(f Field) bool { return f.Name == key.Value || slices.Contains(f.Aliases, key.Value) })
	if i < 0 {
		c.compiler.report(key, path, CodeUnknownField, fmt.Sprintf("%s has no field %q", c.subject(), key.Value), c.unknownHint(key.Value))
		return
	}
	field := c.fields[i]
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

// subject is what messages call this mapping: the action, or the field.
func (c *config) subject() string {
	if _, inside, found := strings.Cut(c.path, ".config."); found {
		return inside
	}
	return c.spec.Type
}

// former are names of fields that other versions of an action had.
var former = map[string]string{
	"deny.body":                                  "deny answers without a body; use custom-response",
	"circuit-breaker.rolling_window":             "that is window_duration now",
	"circuit-breaker.error_threshold_percentage": "that is error_threshold now, from 0 to 1",
}

func (c *config) unknownHint(field string) string {
	if hint, ok := former[c.spec.Type+"."+field]; ok {
		return hint
	}
	var names []string
	for _, f := range c.fields {
		names = append(names, f.Name)
	}
	return fieldHint(field, names)
}
