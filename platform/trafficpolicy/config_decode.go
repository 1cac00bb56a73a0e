package trafficpolicy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy/expr"
	"sluice.dev/platform/trafficpolicy/nearest"
)

func (c *config) decode(f Field, v *value) {
	switch f.Kind {
	case Text:
		v.text = c.decodeText(f, v.node, v.path)
	case Enum:
		c.decodeEnum(f, v)
	case Integer:
		c.decodeInteger(f, v)
	case Number:
		c.decodeNumber(f, v)
	case Object:
		c.decodeObject(f, v)
	case Objects:
		for i, item := range c.items(f, v) {
			c.decodeMapping(f, v, resolve(item), index(v.path, i))
		}
	case Boolean:
		if v.node.Tag != "!!bool" || v.node.Decode(&v.boolean) != nil {
			c.mismatch(v, "true or false")
		}
	case Duration:
		c.decodeDuration(f, v)
	case Texts:
		for i, item := range c.items(f, v) {
			v.texts = append(v.texts, c.decodeText(Field{Template: f.Template}, item, index(v.path, i)))
		}
	case Expressions:
		for i, item := range c.items(f, v) {
			if p := c.compiler.expression(c.env, item, index(v.path, i)); p != nil {
				v.programs = append(v.programs, p)
			}
		}
	case TextMap:
		c.decodeMap(f, v)
	case Any:
		v.tree = c.decodeTree(v.node, v.path, f.Template)
	case Custom, Expression:
	}
}

func (c *config) mismatch(v *value, want string) {
	hint := ""
	if v.node.Kind == yaml.ScalarNode && v.node.Tag == "!!str" && v.node.Style != 0 {
		hint = "leave out the quotes"
	}
	c.compiler.report(v.node, v.path, CodeValue, fmt.Sprintf("must be %s, not %s", want, describe(v.node)), hint)
}

// decodeText reads a text; numbers and booleans are taken as written.
func (c *config) decodeText(f Field, n *yaml.Node, path string) *expr.Template {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || isNull(n) {
		c.compiler.report(n, path, CodeValue, "must be a text, not "+describe(n), "")
		return nil
	}
	length := int64(utf8.RuneCountInString(n.Value))
	switch {
	case length == 0 && f.Min > 0:
		c.compiler.report(n, path, CodeEmpty, "must not be empty", "")
	case length < f.Min || f.Max > 0 && length > f.Max:
		c.compiler.report(n, path, CodeLength, fmt.Sprintf("has %d characters; %s", length, bounds(f)), "")
	}
	if !f.Template {
		return expr.Literal(n.Value)
	}
	return c.compiler.template(c.env, n, path)
}

func (c *config) decodeEnum(f Field, v *value) {
	v.text = expr.Literal(v.node.Value)
	if v.node.Kind == yaml.ScalarNode && slices.Contains(f.Values, v.node.Value) {
		return
	}
	hint := "allowed: " + strings.Join(f.Values, ", ")
	if word := nearest.Word(v.node.Value, f.Values); word != "" {
		hint = "did you mean " + word + "?"
	}
	c.compiler.report(v.node, v.path, CodeEnum, "must be one of the allowed values, not "+describe(v.node), hint)
}

func (c *config) decodeInteger(f Field, v *value) {
	n, err := strconv.ParseInt(v.node.Value, 0, 64)
	if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!int" || err != nil {
		c.mismatch(v, "a whole number")
		return
	}
	v.integer = n
	if n < f.Min || f.Max > 0 && n > f.Max {
		c.compiler.report(v.node, v.path, CodeRange, fmt.Sprintf("is %d; %s", n, bounds(f)), "")
	}
}

func (c *config) decodeNumber(f Field, v *value) {
	n, err := strconv.ParseFloat(v.node.Value, 64)
	if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!int" && v.node.Tag != "!!float" || err != nil {
		c.mismatch(v, "a number")
		return
	}
	v.number = n
	if !(n >= float64(f.Min) && n <= float64(f.Max)) { // also refuses NaN
		c.compiler.report(v.node, v.path, CodeRange, fmt.Sprintf("is %s; %s", v.node.Value, bounds(f)), "")
	}
}

// decodeObject reads a mapping; a list of just one is taken for it.
func (c *config) decodeObject(f Field, v *value) {
	n, path := v.node, v.path
	if n.Kind == yaml.SequenceNode && len(n.Content) == 1 {
		n, path = resolve(n.Content[0]), index(path, 0)
	}
	c.decodeMapping(f, v, n, path)
}

func (c *config) decodeMapping(f Field, v *value, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		c.compiler.report(n, path, CodeConfig, fmt.Sprintf("must be a mapping, not %s", describe(n)), example(f))
		return
	}
	inner := c.nested(f, n, path)
	inner.read()
	v.objects = append(v.objects, inner)
}

func (c *config) decodeDuration(f Field, v *value) {
	d, err := time.ParseDuration(v.node.Value)
	if v.node.Kind != yaml.ScalarNode || err != nil {
		hint := "write a number with a unit, such as 90s, 10m or 1h"
		if v.node.Tag == "!!int" {
			hint = fmt.Sprintf("did you mean %ss?", v.node.Value)
		}
		c.compiler.report(v.node, v.path, CodeValue, "must be a duration, not "+describe(v.node), hint)
		return
	}
	v.duration = d
	lowest, highest := time.Duration(f.Min), time.Duration(f.Max)
	switch {
	case d < lowest:
		c.compiler.report(v.node, v.path, CodeDurationShort, fmt.Sprintf("%s is too short; the least is %s", v.node.Value, brief(lowest)), "")
	case d > highest && highest > 0:
		c.compiler.report(v.node, v.path, CodeDurationLong, fmt.Sprintf("%s is too long; the most is %s", v.node.Value, brief(highest)), "")
	case f.Step > 0 && d%f.Step != 0:
		c.compiler.report(v.node, v.path, CodeValue, fmt.Sprintf("%s is not a multiple of %s", v.node.Value, brief(f.Step)), "did you mean "+brief(d.Round(f.Step))+"?")
	}
}

// brief writes 24h instead of 24h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// items are the entries of a list field, its number of entries checked.
func (c *config) items(f Field, v *value) []*yaml.Node {
	if v.node.Kind != yaml.SequenceNode {
		c.compiler.report(v.node, v.path, CodeConfig, fmt.Sprintf("%s must be a list, not %s", f.Name, describe(v.node)), "put a dash before each entry")
		return nil
	}
	c.count(f, v, len(v.node.Content))
	return v.node.Content
}

func (c *config) count(f Field, v *value, n int) {
	if int64(n) < f.Min || f.Max > 0 && int64(n) > f.Max {
		c.compiler.report(v.node, v.path, CodeCount, fmt.Sprintf("has %d entries; %s", n, bounds(f)), "")
	}
}

func bounds(f Field) string {
	switch {
	case f.Max == 0:
		return fmt.Sprintf("at least %d", f.Min)
	case f.Min == 0 && f.Kind != Number:
		return fmt.Sprintf("at most %d", f.Max)
	}
	return fmt.Sprintf("allowed are %d to %d", f.Min, f.Max)
}

func (c *config) decodeMap(f Field, v *value) {
	if v.node.Kind != yaml.MappingNode {
		c.compiler.report(v.node, v.path, CodeConfig, fmt.Sprintf("%s must be a mapping, not %s", f.Name, describe(v.node)), "write name: value in each line")
		return
	}
	c.count(f, v, len(v.node.Content)/2)
	for key, node := range pairs(v.node) {
		t := c.decodeText(Field{Template: f.Template}, node, join(v.path, key.Value))
		v.pairs = append(v.pairs, pair{node: key, name: key.Value, value: t})
	}
}
