package policyreport

import (
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Text writes the report for people: each step, and of failed ones what differed
// and the trace.
func (r Report) Text(w io.Writer) error {
	p := &printer{w: w}
	steps, failed := 0, 0
	for _, s := range r.Suites {
		p.suite(s)
		for _, step := range s.Steps {
			steps++
			if !step.Passed {
				failed++
			}
		}
	}
	p.line(0, "%d suites, %d steps, %d failed", len(r.Suites), steps, failed)
	return p.err
}

// printer remembers the first error, so that callers need not.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(depth int, format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, strings.Repeat("  ", depth)+format+"\n", args...)
	}
}

func (p *printer) suite(s Suite) {
	p.line(0, "%s", s.File)
	if s.Error != "" {
		p.line(1, "FAIL  %s", s.Error)
	}
	for _, problem := range s.Problems {
		p.line(1, "policy: %s", problem)
	}
	for _, step := range s.Steps {
		if step.Passed {
			p.line(1, "ok    %s", step.Name)
			continue
		}
		p.line(1, "FAIL  %s", step.Name)
		for _, f := range step.Failures {
			p.line(4, "%s", f)
		}
		p.trace(4, step.Trace.PolicyTrace)
	}
	if s.Coverage != nil {
		p.coverage(s.Coverage)
	}
}

func (p *printer) coverage(c *Coverage) {
	p.line(1, "coverage: %d of %d rules matched, %d of %d actions ran", c.RulesMatched, c.Rules, c.ActionsRan, c.Actions)
	for _, m := range c.Missed {
		what := m.Path
		if m.Name != "" {
			what += " (" + m.Name + ")"
		}
		p.line(2, "line %d: %s never %s; reached %d times", m.Line, what, map[bool]string{true: "ran", false: "matched"}[strings.Contains(m.Path, ".actions[")], m.Reached)
	}
}

func (p *printer) trace(depth int, t *capturev1.PolicyTrace) {
	for _, phase := range t.GetPhases() {
		p.line(depth, "%s, %s", phase.GetPhase(), took(phase.GetDuration()))
		for _, rule := range phase.GetRules() {
			p.rule(depth+1, rule)
		}
		if n := phase.GetOmittedRules(); n > 0 {
			p.line(depth+1, "… and %d more rules", n)
		}
	}
}

func (p *printer) rule(depth int, r *capturev1.PolicyRuleTrace) {
	name := fmt.Sprintf("rule %d", r.GetIndex())
	if r.GetName() != "" {
		name += " " + r.GetName()
	}
	if !r.GetMatched() {
		reason := "false: " + r.GetFalseExpression()
		if r.GetError() != "" {
			reason = "failed: " + r.GetError()
		}
		p.line(depth, "- %s, %s", name, reason)
		return
	}
	p.line(depth, "+ %s, %s", name, took(r.GetDuration()))
	for _, a := range r.GetActions() {
		outcome := strings.ToLower(strings.TrimPrefix(a.GetOutcome().String(), "OUTCOME_"))
		if a.GetOutcome() == capturev1.PolicyActionTrace_OUTCOME_FAILED {
			outcome += ": " + r.GetError()
		}
		p.line(depth+1, "%s, %s, %s", a.GetType(), took(a.GetDuration()), outcome)
		if a.GetResults() != "" {
			p.line(depth+2, "%s", a.GetResults())
		}
	}
}

func took(d *durationpb.Duration) time.Duration { return d.AsDuration().Round(time.Microsecond) }
