package delivery

import (
	"encoding/json"
	"time"

	"sluice.dev/services/events/internal/sender"
)

// settled is what an attempt decided.
type settled struct {
	position  string // that may be stored now; empty: none
	delivered int
	refused   []rejected
	newest    time.Time // of the delivered events

	halve  bool // the rest is to be sent in smaller parts, at once
	stuck  bool // a person must change something first
	after  time.Duration
	reason string // why there is a rest
}

// settle sorts entries by their verdicts: what is decided, and what is to be tried
// again. A position moves on with the last entry before it that is undecided.
func settle(part []entry, verdicts []sender.Verdict) (s settled, again []entry) {
	for i, e := range part {
		v := verdicts[i]
		if v.Kind == sender.SplitBatch && len(part) == 1 {
			v.Kind = sender.Reject
		}
		switch v.Kind {
		case sender.Delivered:
			s.delivered++
			if e.record.Event.Time.After(s.newest) {
				s.newest = e.record.Event.Time
			}
		case sender.Reject:
			s.refused = append(s.refused, refusal(e, v.Reason))
		default:
			s.wait(v)
			again = append(again, e)
			continue
		}
		switch {
		case e.position == "":
		case len(again) > 0:
			again[len(again)-1].position = e.position
		default:
			s.position = e.position
		}
	}
	return s, again
}

func (s *settled) wait(v sender.Verdict) {
	s.halve = s.halve || v.Kind == sender.SplitBatch
	s.stuck = s.stuck || v.Kind == sender.Misconfigured
	s.after = max(s.after, v.After)
	if s.reason == "" {
		s.reason = v.Reason
	}
}

func refusal(e entry, reason string) rejected {
	r := rejected{EventID: e.record.Event.ID, Reason: reason}
	if len(e.record.Body) <= deadEventMax && json.Valid(e.record.Body) {
		r.Event = e.record.Body
	}
	return r
}
