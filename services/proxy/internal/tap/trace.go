package tap

import (
	"encoding/json"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/policytrace"
)

// policy appends what the policy did, and how.
func (e *encoder) policy(field int) {
	p := &e.r.Policy
	mask := e.mask()
	m := e.Open(field, 128)
	e.Uint(1, e.r.PolicyRevision)
	e.hidden(2, text(p.Rule))
	e.hidden(3, p.Action)
	e.hidden(4, p.RateLimit)
	if len(p.Trace.Phases) > 0 {
		e.hidden(5, e.r.plainText(mask.Known(text(p.RateLimitBucket))))
	}
	e.hidden(6, p.BasicAuth)
	e.hidden(7, text(p.UserName))
	if len(p.Trace.Phases) > 0 {
		e.logs(8, &mask)
	}
	for name, decision := range p.Decisions {
		d := e.Open(9, 0)
		e.String(1, name)
		e.hidden(2, decision)
		e.Close(d)
	}
	e.Close(m)
	if len(p.Trace.Phases) > 0 {
		m := e.Open(18, 256)
		e.trace.Append(&e.Buffer, p.Trace, mask)
		e.Close(m)
	}
}

func (e *encoder) logs(field int, mask *policytrace.Mask) {
	for _, entry := range e.r.Policy.Logs {
		b, err := json.Marshal(entry)
		if err != nil {
			continue
		}
		plain := []byte(mask.Known(string(b)))
		if !e.settings.redactor.Clean("application/json", plain, false) {
			plain = e.settings.redactor.Body(redact.BodyConfig{ContentType: "application/json"}).Close(plain, false)
		}
		e.Item(field, redact.Hide(string(plain), e.r.secrets))
	}
}

// mask knows what of the policy's doings the record must not hold: the request's
// credentials, what it read of the vaults, and bodies unless those are recorded.
func (e *encoder) mask() policytrace.Mask {
	e.values = append(e.values, e.r.values...)
	return policytrace.Mask{
		Headers: e.settings.redactor.HeaderRules(), Values: e.values, Bodies: e.r.plan.full,
		Redactor: e.settings.redactor, Secrets: e.r.secrets,
	}
}

// remember notes the credentials in a header of the request.
func (e *encoder) remember(f *message.Field) {
	e.values = policytrace.Secrets(e.settings.redactor.HeaderRules(), f.Name, f.Value, e.values)
}

// traceSize is about what a trace takes in memory, in bytes. Names and
// expressions belong to the policy.
func traceSize(t trafficpolicy.Trace) int {
	const perRule, perAction = 112, 128
	n := 0
	for _, phase := range t.Phases {
		n += len(phase.Rules) * perRule
		for _, rule := range phase.Rules {
			n += len(rule.Error) + len(rule.Actions)*perAction
			for _, a := range rule.Actions {
				for _, result := range a.Results {
					n += valueSize(result.Value)
				}
			}
		}
	}
	return n
}

func valueSize(v any) int {
	n := 32
	switch x := v.(type) {
	case string:
		n += len(x)
	case []any:
		for _, item := range x {
			n += valueSize(item)
		}
	case map[string]any:
		for key, item := range x {
			n += len(key) + valueSize(item)
		}
	}
	return n
}
