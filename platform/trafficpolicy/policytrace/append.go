package policytrace

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/wire"
)

// Proto is the trace as a message; nil when no phase ran.
func Proto(t trafficpolicy.Trace, mask Mask) *capturev1.PolicyTrace {
	if len(t.Phases) == 0 {
		return nil
	}
	var b wire.Buffer
	new(Encoder).Append(&b, t, mask)
	out := &capturev1.PolicyTrace{}
	if err := proto.Unmarshal(b, out); err != nil {
		panic(fmt.Sprintf("a trace is no message: %v", err)) // Append makes only such
	}
	return out
}

// Encoder makes traces into messages. It keeps the memory that one takes for the
// next. The zero value is ready.
type Encoder struct {
	mask            Mask
	left, unmatched int // bytes that may still be told
	results         []byte
	omitted         []string
}

// Append appends the fields of the trace, as a capturev1.PolicyTrace.
func (e *Encoder) Append(to *wire.Buffer, t trafficpolicy.Trace, mask Mask) {
	e.mask, e.left, e.unmatched = mask, maxTrace, maxUnmatched
	var total time.Duration
	for i := range t.Phases {
		total += t.Phases[i].Duration
		e.phase(to, &t.Phases[i])
	}
	to.Duration(2, total)
	e.mask = Mask{}
}

func (e *Encoder) phase(to *wire.Buffer, p *trafficpolicy.PhaseTrace) {
	m := to.Open(1, 128*len(p.Rules))
	to.String(1, e.mask.hidden(string(p.Phase)))
	to.Duration(2, p.Duration)
	omitted := uint64(0)
	for i := range p.Rules {
		if !e.admit(&p.Rules[i]) {
			omitted++
			continue
		}
		e.rule(to, &p.Rules[i])
	}
	to.Uint(4, omitted)
	to.String(5, e.mask.hidden(p.Endpoint))
	to.Close(m)
}

func (e *Encoder) rule(to *wire.Buffer, r *trafficpolicy.RuleTrace) {
	m := to.Open(3, 0)
	to.Uint(1, uint64(r.Index)) // #nosec G115 -- an index is small
	to.String(2, e.mask.hidden(cut(r.Name, maxName)))
	to.Bool(3, r.Matched)
	to.String(4, e.mask.hidden(cut(r.False, maxExpression)))
	if r.Error != "" {
		to.String(5, e.mask.hidden(e.mask.shaped(cut(e.mask.text(r.Error), maxError))))
	}
	to.Duration(6, r.Duration)
	for i := range r.Actions {
		e.action(to, &r.Actions[i], outcome(r, i))
	}
	to.Close(m)
}

// outcome is how the action at i of a rule ended.
func outcome(r *trafficpolicy.RuleTrace, i int) capturev1.PolicyActionTrace_Outcome {
	switch {
	case i == len(r.Actions)-1 && r.Error != "":
		return capturev1.PolicyActionTrace_OUTCOME_FAILED
	case r.Actions[i].Decided:
		return capturev1.PolicyActionTrace_OUTCOME_DECIDED
	}
	return capturev1.PolicyActionTrace_OUTCOME_CONTINUED
}

func (e *Encoder) action(to *wire.Buffer, a *trafficpolicy.ActionTrace, outcome capturev1.PolicyActionTrace_Outcome) {
	m := to.Open(7, 0)
	to.Uint(1, uint64(a.Index)) // #nosec G115 -- an index is small
	to.String(2, e.mask.hidden(a.Type))
	to.String(3, e.mask.hidden(cut(a.Name, maxName)))
	to.Uint(4, uint64(outcome)) // #nosec G115 -- an enum
	to.Duration(5, a.Duration)
	e.tellResults(a.Results)
	e.appendResults(to)
	for _, name := range e.omitted {
		to.Item(7, e.mask.hidden(name))
	}
	to.Close(m)
}

// appendResults appends the results, looked into once more as the JSON that they are.
func (e *Encoder) appendResults(to *wire.Buffer) {
	results := e.results
	if r := e.mask.Redactor; r != nil && len(results) > 0 && !r.Clean("application/json", results, false) {
		results = r.Body(redact.BodyConfig{ContentType: "application/json"}).Close(results, false)
	}
	if len(e.mask.Secrets) > 0 {
		to.String(6, e.mask.hidden(string(results)))
		return
	}
	to.Bytes(6, results)
}
