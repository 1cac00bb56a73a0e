package trafficpolicy

import (
	"time"

	"sluice.dev/platform/trafficpolicy/expr"
)

// Trace tells how a run went, rule by rule. Secrets read by expressions are
// left out. It shares nothing with the run.
type Trace struct {
	Phases []PhaseTrace
}

// PhaseTrace is one phase that ran.
type PhaseTrace struct {
	Phase    Phase
	Endpoint string // URL of the internal endpoint whose policy it is of; "" for that of the run itself
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
	Index    int
	Type     string
	Name     string
	Decided  bool // it ended the phase
	Duration time.Duration
	Results  []ResultTrace // of the last run of each type; those before are replaced
}

// ResultTrace is a result variable, such as "limited" of rate-limit.
type ResultTrace struct {
	Name  string
	Value any // as in JSON
}

// Results are the result variables as the run left them, by the name that
// expressions read them by, without actions.sluice: "rate_limit.limited".
func (t Trace) Results() map[string]any {
	all := make(map[string]any)
	for _, phase := range t.Phases {
		for _, rule := range phase.Rules {
			for _, a := range rule.Actions {
				for _, r := range a.Results {
					all[snake(a.Type)+"."+r.Name] = r.Value
				}
			}
		}
	}
	return all
}

// Trace returns what happened so far.
func (r *Run) Trace() Trace {
	t := Trace{Phases: make([]PhaseTrace, 0, phaseCount)}
	for i := 0; i < len(r.records); {
		ph, n := r.records[i].rule.phase, i+1
		for n < len(r.records) && r.records[n].rule.phase == ph {
			n++
		}
		t.Phases = append(t.Phases, PhaseTrace{Phase: ph, Duration: r.took[ph.number()], Rules: r.traceRules(r.records[i:n])})
		i = n
	}
	r.traceResults(t)
	return t
}

func (r *Run) traceRules(records []ruleRecord) []RuleTrace {
	rules := make([]RuleTrace, len(records))
	for i, record := range records {
		rules[i] = r.traceRule(record)
	}
	return rules
}

func (r *Run) traceRule(record ruleRecord) RuleTrace {
	t := RuleTrace{Index: record.rule.index, Name: record.rule.name, Duration: record.took, Matched: record.failed < 0}
	if record.failed >= 0 {
		t.False = record.rule.conditions[record.failed].Source()
	}
	if record.ran > 0 {
		t.Actions = make([]ActionTrace, record.ran)
	}
	for i := range t.Actions {
		a := record.rule.actions[i]
		t.Actions[i] = ActionTrace{Index: a.index, Type: a.spec.Type, Name: a.label, Decided: record.decided && i == record.ran-1}
		if at := record.spent + i; at < len(r.spent) { // one that panicked took no time
			t.Actions[i].Duration = r.spent[at]
		}
	}
	if record.cause != nil {
		t.Error = r.vars.Hide(record.cause.Error())
		t.Matched = record.ran > 0
	}
	return t
}

// traceResults puts what each type published last to the action that did.
func (r *Run) traceResults(t Trace) {
	var told uint64 // slots, as bits
	for p := len(t.Phases) - 1; p >= 0; p-- {
		rules := t.Phases[p].Rules
		for i := len(rules) - 1; i >= 0; i-- {
			for j := len(rules[i].Actions) - 1; j >= 0; j-- {
				a := &rules[i].Actions[j]
				slot := registry[a.Type].slot
				if told&(1<<slot) == 0 {
					told |= 1 << slot
					a.Results = r.traceResult(slot, registry[a.Type].Results)
				}
			}
		}
	}
}

func (r *Run) traceResult(slot int, infos []ResultInfo) []ResultTrace {
	values := r.vars.Published(slot)
	if len(values) == 0 {
		return nil
	}
	out := make([]ResultTrace, 0, len(values))
	for i, val := range values {
		if val != nil {
			out = append(out, ResultTrace{infos[i].Name, r.hide(expr.Plain(val))})
		}
	}
	return out
}
