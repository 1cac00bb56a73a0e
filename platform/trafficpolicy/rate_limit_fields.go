package trafficpolicy

import (
	"strconv"
	"time"

	"sluice.dev/platform/message"
)

// limitFields tell clients of a limit as draft-ietf-httpapi-ratelimit-headers-10
// has it: RateLimit-Policy and RateLimit are lists (RFC 9651) with an item for
// each limit.
type limitFields struct {
	name   string // as a structured-field string
	policy string // the item of RateLimit-Policy
	window int64  // seconds
}

func newLimitFields(q RateLimitQuery) *limitFields {
	name := fieldString(q.Name)
	window := seconds(q.Rate)
	return &limitFields{name: name, window: window,
		policy: name + ";q=" + strconv.FormatInt(q.Capacity, 10) + ";w=" + strconv.FormatInt(window, 10)}
}

// fieldString writes a text as a structured-field string (RFC 9651 section
// 3.3.3). What is not printable ASCII becomes a question mark.
func fieldString(s string) string {
	b := []byte{'"'}
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ' || c > '~':
			b = append(b, '?')
		default:
			b = append(b, byte(c))
		}
	}
	return string(append(b, '"'))
}

// limitState is what a limit said to this request.
type limitState struct {
	fields  *limitFields
	verdict RateLimitVerdict
}

// tellLimits adds the fields of every limit that the request met, in order.
// r=REMAINING are the requests still admitted; t=SECONDS is when all are there
// again if no more come, or for a refusal when the next one is, as Retry-After.
func (r *Run) tellLimits(h *message.Header) {
	if len(r.limits) == 0 {
		return
	}
	policy, state := make([]byte, 0, 64), make([]byte, 0, 64)
	for i, l := range r.limits {
		if i > 0 {
			policy, state = append(policy, ", "...), append(state, ", "...)
		}
		reset := l.fields.window
		if !l.verdict.Allowed {
			reset = seconds(l.verdict.RetryAfter)
		}
		policy = append(policy, l.fields.policy...)
		state = append(append(state, l.fields.name...), ";r="...)
		state = append(strconv.AppendInt(state, l.verdict.Remaining, 10), ";t="...)
		state = strconv.AppendInt(state, reset, 10)
	}
	h.Add("RateLimit-Policy", string(policy))
	h.Add("RateLimit", string(state))
}

// seconds rounds up and is at least 1, as Retry-After wants (RFC 9110 section
// 10.2.3).
func seconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}
