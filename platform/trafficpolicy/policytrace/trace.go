package policytrace

import (
	"strings"
	"unicode/utf8"

	"sluice.dev/platform/trafficpolicy"
)

// ruleSize and actionSize are what one takes besides its texts, in bytes.
const (
	ruleSize   = 32
	actionSize = 40
)

// admit reports whether a rule is told. What ended the phase always is.
func (e *Encoder) admit(r *trafficpolicy.RuleTrace) bool {
	size := ruleSize + min(len(r.Name), maxName) + min(len(r.False), maxExpression) + min(len(r.Error), maxError) + len(r.Actions)*actionSize
	if r.False != "" {
		if e.unmatched < size {
			return false
		}
		e.unmatched -= size
	}
	ended := r.Error != "" || len(r.Actions) > 0 && r.Actions[len(r.Actions)-1].Decided
	if e.left < size && !ended {
		return false
	}
	e.left -= size
	return true
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
