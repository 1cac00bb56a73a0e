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
	var t Trace
	r.TraceInto(&t)
	return t
}

// TraceInto is Trace in memory that held another one.
func (r *Run) TraceInto(t *Trace) {
	t.Phases = t.Phases[:0]
	var p *PhaseTrace
	for i := range r.records {
		record := &r.records[i]
		if ph := record.rule.phase; p == nil || p.Phase != ph {
			p = next(&t.Phases)
			*p = PhaseTrace{Phase: ph, Duration: r.took[ph.number()], Rules: p.Rules[:0]}
		}
		r.traceRule(record, next(&p.Rules))
	}
	r.traceResults(t)
}

// next makes room for one more at the end of s, which holds what was there before.
func next[T any](s *[]T) *T {
	if n := len(*s); n < cap(*s) {
		*s = (*s)[:n+1]
	} else {
		var none T
		*s = append(*s, none)
	}
	return &(*s)[len(*s)-1]
}

func (r *Run) traceRule(record *ruleRecord, t *RuleTrace) {
	*t = RuleTrace{Index: record.rule.index, Name: record.rule.name, Duration: record.took, Matched: record.failed < 0, Actions: t.Actions[:0]}
	if record.failed >= 0 {
		t.False = record.rule.conditions[record.failed].Source()
	}
	for i := range record.ran {
		a, action := &record.rule.actions[i], next(&t.Actions)
		*action = ActionTrace{Index: a.index, Type: a.spec.Type, Name: a.label, Decided: record.decided && i == record.ran-1, Results: action.Results[:0]}
		if at := record.spent + i; at < len(r.spent) { // one that panicked took no time
			action.Duration = r.spent[at]
		}
	}
	if record.cause != nil {
		t.Error = r.vars.Hide(record.cause.Error())
		t.Matched = record.ran > 0
	}
}

// traceResults puts what each type published last to the action that did.
func (r *Run) traceResults(t *Trace) {
	var told uint64 // slots, as bits
	at := len(r.records)
	for p := len(t.Phases) - 1; p >= 0; p-- {
		rules := t.Phases[p].Rules
		for i := len(rules) - 1; i >= 0; i-- {
			at--
			for j := len(rules[i].Actions) - 1; j >= 0; j-- {
				spec := r.records[at].rule.actions[j].spec
				if told&(1<<spec.slot) == 0 {
					told |= 1 << spec.slot
					r.traceResult(spec, &rules[i].Actions[j])
				}
			}
		}
	}
}

func (r *Run) traceResult(spec *spec, a *ActionTrace) {
	for i, val := range r.vars.Published(spec.slot) {
		if val != nil {
			a.Results = append(a.Results, ResultTrace{spec.Results[i].Name, r.hide(expr.Plain(val))})
		}
	}
}
