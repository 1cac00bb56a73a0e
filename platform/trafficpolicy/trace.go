package trafficpolicy

import (
	"time"

	"sluice.dev/platform/trafficpolicy/expr"
)

// Trace tells how a run went, rule by rule. Secrets read by expressions are
// left out.
type Trace struct {
	Phases  []PhaseTrace
	Results map[string]any // result variables as the last run of each action left them
}

// PhaseTrace is one phase that ran.
type PhaseTrace struct {
	Phase    Phase
	Duration time.Duration
	Rules    []RuleTrace
}

// RuleTrace is one rule that was looked at.
type RuleTrace struct {
	Index    int
	Name     string
	Matched  bool
	False    string        // the expression that was false
	Actions  []ActionTrace // that ran
	Error    string        // why it failed
	Duration time.Duration
}

// ActionTrace is one action that ran.
type ActionTrace struct {
	Index   int
	Type    string
	Name    string
	Decided bool // it ended the phase
}

// Trace returns what happened so far.
func (r *Run) Trace() Trace {
	t := Trace{Results: make(map[string]any)}
	for _, record := range r.records {
		ph := record.rule.phase
		if n := len(t.Phases); n == 0 || t.Phases[n-1].Phase != ph {
			t.Phases = append(t.Phases, PhaseTrace{Phase: ph, Duration: r.took[ph.number()]})
		}
		last := &t.Phases[len(t.Phases)-1]
		last.Rules = append(last.Rules, r.traceRule(record))
	}
	for _, s := range registry {
		for i, val := range r.vars.Published(s.slot) {
			if val != nil {
				t.Results[snake(s.Type)+"."+s.Results[i].Name] = r.hide(expr.Plain(val))
			}
		}
	}
	return t
}

func (r *Run) traceRule(record ruleRecord) RuleTrace {
	t := RuleTrace{Index: record.rule.index, Name: record.rule.name, Duration: record.took, Matched: record.failed < 0}
	if record.failed >= 0 {
		t.False = record.rule.conditions[record.failed].Source()
	}
	for i := range record.ran {
		a := record.rule.actions[i]
		t.Actions = append(t.Actions, ActionTrace{Index: a.index, Type: a.spec.Type, Name: a.label, Decided: record.decided && i == record.ran-1})
	}
	if record.cause != nil {
		t.Error = r.vars.Hide(record.cause.Error())
		t.Matched = record.ran > 0
	}
	return t
}
