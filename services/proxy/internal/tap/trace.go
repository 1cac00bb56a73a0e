package tap

import (
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/policytrace"
)

// mask knows what of the policy's doings the record must not hold: the request's
// credentials, and bodies unless those are recorded.
func (r *Recording) mask() policytrace.Mask {
	mask := policytrace.Mask{Headers: r.settings.redactor.HeaderRules(), Bodies: r.plan.full}
	for _, f := range r.header {
		mask.Values = policytrace.Secrets(r.settings.redactor.HeaderRules(), f.Name, f.Value, mask.Values)
	}
	mask.Values = append(mask.Values, r.values...)
	return mask
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
