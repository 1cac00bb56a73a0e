package trafficpolicy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/coding"
	"sluice.dev/platform/trafficpolicy/expr"
)

// Run is one exchange's way through a policy. It belongs to one goroutine.
type Run struct {
	policy   *Policy
	services Services
	id       string
	forwards int // that led here
	vars     expr.Vars
	current  Phase
	facts    Facts
	records  []ruleRecord    // of every rule that was looked at, in order
	spent    []time.Duration // of every action that ran, in order
	took     [phaseCount]time.Duration
	scratch  []byte
	limits   []limitState   // that the request met
	pending  message.Header // for the response that the client gets
	bodies   [2]readBody    // of the request and the response

	compressed *coding.Body // by compress-response
	admissions []admission  // by circuit-breaker, not yet reported
	sentOn     bool         // the request goes to the upstream or to another endpoint
	forwarding *forwardInternal
	stoppedAt  position // where forwarding is
	events     *eventStream
	event      *EventStreamMessage // while its phase runs
	ctx        context.Context     // of the request phase
}

// ruleRecord is what the trace says about a rule.
type ruleRecord struct {
	rule    *rule
	failed  int // the condition that was false, -1 when all were true
	ran     int // actions that ran
	spent   int // where their times begin in Run.spent
	decided bool
	cause   error
	took    time.Duration
}

// OnTCPConnect runs the phase of a new connection. A nil outcome lets it
// continue; otherwise close the connection.
func (r *Run) OnTCPConnect(ctx context.Context) (*Outcome, error) {
	return r.phase(ctx, OnTCPConnect)
}

// OnRequest runs the request phase; actions change the request in place. A nil
// outcome sends the request to the upstream.
//
// An error means that ctx ended; whatever else goes wrong is an outcome that
// answers 500 (a policy fails closed).
func (r *Run) OnRequest(ctx context.Context) (*Outcome, error) {
	out, err := r.phase(ctx, OnHTTPRequest)
	r.sentOn, r.ctx = goesOn(out, err), ctx
	return out, err
}

// goesOn reports whether somebody else is to answer.
func goesOn(out *Outcome, err error) bool {
	return err == nil && (out == nil || out.Forward != nil)
}

// OnResponse runs the response phase; actions change res in place. An outcome
// replaces it. When res is an event stream and the policy has rules for its
// messages, the body that it is left with runs them: read it before [Run.Release].
func (r *Run) OnResponse(ctx context.Context, res *message.Response) (*Outcome, error) {
	r.vars.Response = res
	if r.sentOn {
		r.upstreamAnswered(res.Status)
	}
	r.tell(&res.Header)
	if r.policy.hasRules(OnEventStreamMessage) && mediaType(res.Header) == "text/event-stream" {
		if out := r.filterEvents(ctx, res); out != nil {
			return out, nil
		}
	}
	return r.phase(ctx, OnHTTPResponse)
}

// Release gives the run back for reuse. Nothing obtained from it but its
// outcomes, facts and traces may be used afterwards.
func (r *Run) Release() {
	r.settle()
	clear(r.records)
	*r = Run{records: r.records[:0], spent: r.spent[:0], scratch: r.scratch[:0], limits: r.limits[:0], admissions: r.admissions, vars: r.vars}
	r.vars.Reset()
	runs.Put(r)
}

func (r *Run) phase(ctx context.Context, ph Phase) (*Outcome, error) {
	if !r.policy.hasRules(ph) {
		return nil, nil //nolint:nilnil // nil means: go on
	}
	r.current = ph
	r.vars.Begin(ctx, environments()[ph])
	return r.resume(ctx, ph, position{})
}

// position is an action of a phase.
type position struct{ rule, action int }

// resume runs the rules of a phase from one on, that one from an action on; its
// conditions were true when it is not the first action.
func (r *Run) resume(ctx context.Context, ph Phase, from position) (*Outcome, error) {
	start := time.Now()
	last := start
	for i, rule := range r.policy.rules[ph.number()][from.rule:] {
		action := 0
		if i == 0 {
			action = from.action
		}
		if action == 0 {
			r.records = append(r.records, ruleRecord{rule: rule, failed: -1})
		}
		record := &r.records[len(r.records)-1]
		out, err := r.rule(ctx, rule, record, action)
		now := time.Now()
		record.took, record.decided = record.took+now.Sub(last), out != nil
		last = now
		if err != nil {
			return nil, err
		}
		if out != nil {
			r.took[ph.number()] += now.Sub(start)
			r.stoppedAt = position{from.rule + i, record.ran - 1}
			return out, nil
		}
	}
	r.took[ph.number()] += last.Sub(start)
	return nil, nil //nolint:nilnil // nil means: go on
}

func (r *Run) rule(ctx context.Context, rule *rule, record *ruleRecord, from int) (*Outcome, error) {
	if from == 0 {
		if out, matches, err := r.matches(ctx, rule, record); !matches {
			return out, err
		}
		record.spent = len(r.spent)
	}
	last := time.Now()
	for i := from; i < len(rule.actions); i++ {
		a := &rule.actions[i]
		record.ran = i + 1
		out, err := a.action.run(ctx, r)
		now := time.Now()
		r.spent, last = append(r.spent, now.Sub(last)), now
		if err != nil {
			return r.fail(ctx, rule, a, record, err)
		}
		if out != nil {
			return r.finish(out, rule, a), nil
		}
	}
	return nil, nil //nolint:nilnil // the phase goes on
}

// matches reports whether all conditions are true; one that fails decides.
func (r *Run) matches(ctx context.Context, rule *rule, record *ruleRecord) (*Outcome, bool, error) {
	for i, condition := range rule.conditions {
		yes, err := condition.EvalBool(&r.vars)
		if err != nil {
			out, err := r.fail(ctx, rule, nil, record, &failure{CodeEvaluation, err})
			return out, false, err
		}
		if !yes {
			record.failed = i
			return nil, false, nil
		}
	}
	return nil, true, nil
}

// tell adds what the request phase has to say to the client.
func (r *Run) tell(h *message.Header) {
	r.tellLimits(h)
	*h = append(*h, r.pending...)
}

// failure is a run-time error with the code of the response it leads to.
type failure struct {
	code  Code
	cause error
}

func (f *failure) Error() string { return f.cause.Error() }
func (f *failure) Unwrap() error { return f.cause }

// asFailure finds the code of an error; nil when it has none.
func asFailure(err error) *failure {
	var f *failure
	errors.As(err, &f)
	return f
}

// fail closes: a rule that cannot be decided answers 500.
func (r *Run) fail(ctx context.Context, rule *rule, a *boundAction, record *ruleRecord, err error) (*Outcome, error) {
	record.cause = err
	if ctx.Err() != nil {
		return nil, fmt.Errorf("traffic policy: %w", context.Cause(ctx))
	}
	code := CodeActionFailed
	var f *failure
	var eval *expr.EvalError
	switch {
	case errors.As(err, &f):
		code = f.code
	case errors.As(err, &eval):
		code = CodeTemplateFailed
	}
	out := refuse(code)
	out.Cause = err
	if rule.phase == OnTCPConnect {
		out = &Outcome{Close: true, ErrorCode: code, Cause: err}
	}
	return r.finish(out, rule, a), nil
}

// finish says which rule and action made the outcome.
func (r *Run) finish(out *Outcome, rule *rule, a *boundAction) *Outcome {
	out.Phase, out.RuleIndex, out.Rule = rule.phase, rule.index, rule.name
	if out.Rule == "" {
		out.Rule = index(string(rule.phase), rule.index)
	}
	if a != nil {
		out.Action = a.spec.Type
	}
	if out.ErrorCode != "" {
		r.facts.ErrorCode = out.ErrorCode
	}
	if out.Response != nil && (!out.RunResponsePhase || rule.phase == OnHTTPResponse) {
		r.tell(&out.Response.Header) // else OnResponse does
	}
	return out
}
