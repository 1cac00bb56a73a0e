package trafficpolicy

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy/expr"
)

// Compile parses and checks a document and prepares it to run. The policy is
// nil when the problems contain an error; warnings leave it usable.
func Compile(text string, opts ...Option) (*Policy, Problems) {
	c := newCompiler(text, opts)
	doc := c.parse(text)
	if doc == nil {
		return nil, c.problems.sorted()
	}
	p := &Policy{}
	for _, ph := range Phases() {
		p.rules[ph.number()] = c.compilePhase(ph, doc.Rules[ph])
	}
	p.observes, p.logsIn, p.tls = c.observes || p.hasRules(OnEventStreamMessage), c.logsIn, c.tls
	if c.terminating {
		c.checkTerminates(p, doc)
	}
	problems := c.problems.sorted()
	if len(problems.Errors()) > 0 {
		return nil, problems
	}
	return p, problems
}

func (c *compiler) compilePhase(ph Phase, rules []Rule) []*rule {
	out := make([]*rule, 0, len(rules))
	for i, r := range rules {
		compiled := c.compileRule(ph, i, r)
		if n := len(out); n > 0 && out[n-1].endsPhase() && !slices.ContainsFunc(out[:n-1], (*rule).endsPhase) {
			c.warn(r.node, r.path, CodeUnreachable, "the rule can never run: the rule before it always ends the phase", "give that rule expressions, or move this one up")
		}
		out = append(out, compiled)
	}
	return out
}

func (c *compiler) compileRule(ph Phase, position int, r Rule) *rule {
	env := environments()[ph]
	out := &rule{index: position, name: r.Name, phase: ph}
	for i, n := range r.expressions {
		path := index(join(r.path, "expressions"), i)
		if p := c.expression(env, n, path); p != nil {
			c.checkCondition(p, n, path)
			out.conditions = append(out.conditions, p)
		}
	}
	ended := false
	for i, a := range r.Actions {
		bound := c.compileAction(ph, env, i, a)
		if ended {
			c.report(a.node, a.path, CodeUnreachable, fmt.Sprintf("%s can never run: the action before it always ends the phase", a.Type), "move it before that action")
			break
		}
		if bound == nil {
			continue
		}
		ended = bound.ends
		if a.Type == terminateTLS && len(r.expressions) > 0 {
			c.report(a.node, a.path, CodeConfig, "terminate-tls is in force before expressions can be evaluated", "put it into a rule without expressions")
		}
		out.actions = append(out.actions, *bound)
	}
	return out
}

// checkCondition requires a boolean.
func (c *compiler) checkCondition(p *expr.Program, n *yaml.Node, path string) {
	if kind := p.Type().Kind(); kind != cel.BoolKind && kind != cel.DynKind {
		c.report(n, path, CodeExpression, fmt.Sprintf("gives a %s; a condition must be true or false", p.Type()), "compare it with something, such as == or in")
	}
}

func (c *compiler) compileAction(ph Phase, env *expr.Env, position int, a Action) *boundAction {
	if current, old := retiredActions[a.Type]; old {
		c.warn(a.node, join(a.path, "type"), CodeUnknownAction, fmt.Sprintf("%s is a retired name", a.Type), "write "+current)
		a.Type = current
	}
	s, ok := registry[a.Type]
	if !ok {
		if a.Type != "" {
			code, message, hint := unknownAction(a.Type)
			c.report(a.node, join(a.path, "type"), code, message, hint)
		}
		return nil
	}
	if !slices.Contains(s.Phases, ph) {
		c.report(a.node, join(a.path, "type"), CodeWrongPhase, fmt.Sprintf("%s cannot run in %s", a.Type, ph), "it runs in "+phaseList(s.Phases))
		return nil
	}
	cfg := &config{compiler: c, spec: s, fields: s.Fields, env: env, phase: ph, path: join(a.path, "config"), node: a.node, values: map[string]*value{}}
	if a.config != nil {
		cfg.node = a.config
		if a.config.Kind != yaml.MappingNode {
			c.report(a.config, cfg.path, CodeConfig, "config must be a mapping, not "+describe(a.config), "")
			return nil
		}
	}
	before := len(c.problems.Errors())
	cfg.read()
	bound := &boundAction{spec: s, index: position, label: a.Name, ends: s.Terminating == Always}
	run := s.bind(cfg)
	if len(c.problems.Errors()) == before {
		bound.action = run
	}
	if e, ok := run.(interface{ endsAlways() bool }); ok {
		bound.ends = e.endsAlways()
	}
	return bound
}

func phaseList(phases []Phase) string {
	names := make([]string, len(phases))
	for i, ph := range phases {
		names[i] = string(ph)
	}
	return strings.Join(names, ", ")
}

func (c *compiler) expression(env *expr.Env, n *yaml.Node, path string) *expr.Program {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode {
		c.report(n, path, CodeExpression, "an expression must be a text, not "+describe(n), "")
		return nil
	}
	p, faults := env.Compile(n.Value)
	c.faults(n, path, CodeExpression, faults)
	if p != nil {
		c.checkIPData(n, path, p.IPData())
	}
	return p
}

func (c *compiler) template(env *expr.Env, n *yaml.Node, path string) *expr.Template {
	t, faults := env.CompileTemplate(n.Value)
	c.faults(n, path, CodeTemplate, faults)
	if t != nil {
		c.checkIPData(n, path, t.IPData())
	}
	return t
}

// checkIPData warns of a variable that will have no value: what reads it fails,
// and the policy refuses.
func (c *compiler) checkIPData(n *yaml.Node, path string, read *expr.Read) {
	if read == nil || c.ipData {
		return
	}
	line, column := c.source.locate(n, read.Offset)
	c.problems = append(c.problems, Problem{Path: path, Line: line, Column: column, Code: CodeNoIPData, Severity: Warning,
		Message: read.Name + " has no value on proxies without data about addresses", Hint: "test it with has(), and give the proxies --ip-databases or --ip-categories"})
}

func (c *compiler) faults(n *yaml.Node, path string, code Code, faults []expr.Fault) {
	for _, f := range faults {
		line, column := c.source.locate(n, f.Offset)
		c.problems = append(c.problems, Problem{Path: path, Line: line, Column: column, Code: code, Message: f.Message, Hint: f.Hint, Severity: Error})
	}
}

// checkTerminates proves that the request phase always ends with an answer: some
// rule has no condition and holds an action that always ends the phase.
func (c *compiler) checkTerminates(p *Policy, doc *Document) {
	ph := OnHTTPRequest
	if !ph.runs(c.protocol) {
		ph = OnTCPConnect
	}
	if slices.ContainsFunc(p.rules[ph.number()], (*rule).endsPhase) {
		return
	}
	at := &yaml.Node{Line: 1, Column: 1}
	if rules := doc.Rules[ph]; len(rules) > 0 {
		at = rules[len(rules)-1].node
	}
	c.report(at, string(ph), CodeTermination, fmt.Sprintf("%s may end without an answer, and the endpoint has no upstream", ph),
		"end with a rule without expressions that holds custom-response, deny or another action that always answers")
}

// endsPhase reports whether the rule always runs and always ends the phase.
func (r *rule) endsPhase() bool {
	for _, p := range r.conditions {
		if v, constant := p.Constant(); !constant || v != types.True {
			return false
		}
	}
	return slices.ContainsFunc(r.actions, func(a boundAction) bool { return a.ends })
}
