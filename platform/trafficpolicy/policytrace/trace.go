package policytrace

import (
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/trafficpolicy"
)

// Proto is the trace as a message; nil when no phase ran.
func Proto(t trafficpolicy.Trace, mask Mask) *capturev1.PolicyTrace {
	if len(t.Phases) == 0 {
		return nil
	}
	b := builder{mask: mask, left: maxTrace, unmatched: maxUnmatched}
	out := &capturev1.PolicyTrace{}
	var total time.Duration
	for _, phase := range t.Phases {
		total += phase.Duration
		out.Phases = append(out.Phases, b.phase(phase))
	}
	out.Duration = durationpb.New(total)
	return out
}

// builder keeps count of what may still be told.
type builder struct {
	mask            Mask
	left, unmatched int // bytes
}

func (b *builder) phase(p trafficpolicy.PhaseTrace) *capturev1.PolicyPhaseTrace {
	out := &capturev1.PolicyPhaseTrace{Phase: string(p.Phase), EndpointUrl: p.Endpoint, Duration: durationpb.New(p.Duration)}
	for _, rule := range p.Rules {
		if !b.admit(rule) {
			out.OmittedRules++
			continue
		}
		out.Rules = append(out.Rules, b.rule(rule))
	}
	return out
}

// ruleSize and actionSize are what one takes besides its texts, in bytes.
const (
	ruleSize   = 32
	actionSize = 40
)

// admit reports whether a rule is told. What ended the phase always is.
func (b *builder) admit(r trafficpolicy.RuleTrace) bool {
	size := ruleSize + min(len(r.Name), maxName) + min(len(r.False), maxExpression) + min(len(r.Error), maxError) + len(r.Actions)*actionSize
	if r.False != "" {
		if b.unmatched < size {
			return false
		}
		b.unmatched -= size
	}
	ended := r.Error != "" || len(r.Actions) > 0 && r.Actions[len(r.Actions)-1].Decided
	if b.left < size && !ended {
		return false
	}
	b.left -= size
	return true
}

func (b *builder) rule(r trafficpolicy.RuleTrace) *capturev1.PolicyRuleTrace {
	out := &capturev1.PolicyRuleTrace{
		Index: uint32(r.Index), Name: cut(r.Name, maxName), Matched: r.Matched, // #nosec G115 -- an index is small
		FalseExpression: cut(r.False, maxExpression), Error: cut(b.mask.text(r.Error), maxError), Duration: durationpb.New(r.Duration),
	}
	for i, a := range r.Actions {
		outcome := capturev1.PolicyActionTrace_OUTCOME_CONTINUED
		switch last := i == len(r.Actions)-1; {
		case last && r.Error != "":
			outcome = capturev1.PolicyActionTrace_OUTCOME_FAILED
		case a.Decided:
			outcome = capturev1.PolicyActionTrace_OUTCOME_DECIDED
		}
		results, omitted := b.results(a.Results)
		out.Actions = append(out.Actions, &capturev1.PolicyActionTrace{
			Index: uint32(a.Index), Type: a.Type, Name: cut(a.Name, maxName), Outcome: outcome, // #nosec G115 -- an index is small
			Duration: durationpb.New(a.Duration), Results: results, OmittedResults: omitted,
		})
	}
	return out
}

// cut shortens to at most limit bytes of whole characters and makes the text fit
// for a message.
func cut(s string, limit int) string {
	const dots = "…"
	if len(s) > limit {
		end := limit - len(dots)
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + dots
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
