package trafficpolicy

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy/expr"
	"sluice.dev/platform/trafficpolicy/nearest"
)

// Parse reads the structure of a YAML or JSON document and reports everything
// wrong with it: syntax, unknown fields, phases and actions. What is inside an
// action's config and an expression is checked by [Compile]. The document is
// nil when it has no structure at all.
func Parse(text string, opts ...Option) (*Document, Problems) {
	c := newCompiler(text, opts)
	doc := c.parse(text)
	return doc, c.problems.sorted()
}

// compiler collects what is learnt about one document.
type compiler struct {
	options
	source    *source
	problems  Problems
	nodes     int
	tooBig    bool
	observes  bool             // see Policy
	logsIn    bool             // see Policy
	variables expr.Credentials // what the vars set so far read
	tls       *TLSTermination
}

func newCompiler(text string, opts []Option) *compiler {
	return &compiler{options: newOptions(opts), source: newSource(text)}
}

func (c *compiler) report(n *yaml.Node, path string, code Code, message, hint string) {
	c.problems = append(c.problems, Problem{Path: path, Line: n.Line, Column: n.Column, Code: code, Message: message, Hint: hint, Severity: Error})
}

func (c *compiler) warn(n *yaml.Node, path string, code Code, message, hint string) {
	c.report(n, path, code, message, hint)
	c.problems[len(c.problems)-1].Severity = Warning
}

func (c *compiler) parse(text string) *Document {
	root, problem := load(text)
	if problem != nil {
		c.problems = append(c.problems, *problem)
		return nil
	}
	c.checkNodes(root, "", 0)
	if c.tooBig || len(c.problems) > 0 && root.Kind != yaml.MappingNode {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		c.report(root, "", CodeUnparseable, "a policy must be a mapping of phases, not "+describe(root), "such as on_http_request: [...]")
		return nil
	}
	doc := &Document{Rules: make(map[Phase][]Rule)}
	first := make(map[Phase]string)
	for key, value := range pairs(root) {
		phase, ok := c.phase(key)
		if !ok {
			continue
		}
		if other, twice := first[phase]; twice {
			if other != key.Value {
				c.report(key, key.Value, CodeDuplicate, fmt.Sprintf("%s and %s are the same phase", other, key.Value), "put their rules into one list")
			}
			continue
		}
		first[phase] = key.Value
		doc.Rules[phase] = c.rules(value, key.Value)
	}
	c.countRules(root, doc)
	return doc
}

func (c *compiler) countRules(root *yaml.Node, doc *Document) {
	n := 0
	for _, rules := range doc.Rules {
		n += len(rules)
	}
	if n > c.maxRules {
		c.report(root, "", CodeRules, fmt.Sprintf("the policy has %d rules; at most %d are allowed", n, c.maxRules), "")
	}
}

func (c *compiler) phase(key *yaml.Node) (Phase, bool) {
	name := key.Value
	ph := Phase(name)
	if current, old := retired[name]; old {
		c.warn(key, name, CodePhase, fmt.Sprintf("%s is a retired name", name), fmt.Sprintf("write %s", current))
		ph = current
	}
	switch {
	case !slices.Contains(Phases(), ph):
		c.report(key, name, CodePhase, fmt.Sprintf("unknown phase %q", name), phaseHint(name))
		return "", false
	case !ph.runs(c.protocol):
		c.report(key, name, CodePhase, fmt.Sprintf("%s never happens on %s endpoints", ph, c.protocol), "")
		return "", false
	}
	return ph, true
}

func phaseHint(name string) string {
	var names []string
	for _, ph := range Phases() {
		names = append(names, string(ph))
	}
	if word := nearest.Word(name, names); word != "" {
		return "did you mean " + word + "?"
	}
	switch name {
	case "traffic_policy", "policy", "trafficPolicy", "spec":
		return "give only what is inside " + name
	}
	return "phases are " + strings.Join(names, ", ")
}

func (c *compiler) rules(n *yaml.Node, path string) []Rule {
	n = resolve(n)
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		hint := fmt.Sprintf("write it as a list: %s: [{actions: [{type: deny}]}]", path)
		if n.Kind == yaml.MappingNode {
			hint = fmt.Sprintf("put a dash before the rule:\n%s:\n  - actions:\n      - type: deny", path)
		}
		c.report(n, path, CodeConfig, fmt.Sprintf("%s must be a list of rules, not %s", path, describe(n)), hint)
		return nil
	}
	rules := make([]Rule, 0, len(n.Content))
	for i, item := range n.Content {
		rules = append(rules, c.rule(resolve(item), index(path, i)))
	}
	return rules
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
