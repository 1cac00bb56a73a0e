package monitor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/notify"
)

// Short names of the states.
const (
	pending = eventsv1.MonitorState_MONITOR_STATE_PENDING
	ok      = eventsv1.MonitorState_MONITOR_STATE_OK
	alert   = eventsv1.MonitorState_MONITOR_STATE_ALERT
)

// State is what a monitor is in, and what it must remember for its next step.
type State struct {
	Status      eventsv1.MonitorState `json:"status"`
	Since       time.Time             `json:"since"`
	Value       float64               `json:"value"`
	EvaluatedAt time.Time             `json:"evaluated_at"`
	Error       string                `json:"error,omitempty"`
	// Question is the fingerprint of what is asked: a state holds for one question.
	Question string `json:"question"`
	// Cycle counts the alerts so far; an alert and its recovery share it.
	Cycle uint64 `json:"cycle"`
	// AlertID is the transition that began the cycle, and Alerted the ids of the
	// channels that were notified of it.
	AlertID string   `json:"alert_id,omitempty"`
	Alerted []string `json:"alerted,omitempty"`
}

// Change is a change of state.
type Change struct {
	From, To eventsv1.MonitorState
	At       time.Time
	Value    float64
	// Notify is the kind of the notifications to send; empty: none.
	Notify notify.Kind
	// Reason is why, when it was not the value; empty otherwise.
	Reason string
}

// Question is the fingerprint of what a monitor asks. Its name and message are no
// part of it.
func Question(m *eventsv1.Monitor) string {
	recovery := "none"
	if m.CriticalRecovery != nil {
		recovery = fmt.Sprint(m.GetCriticalRecovery())
	}
	text := fmt.Sprintf("%q %v %v %v %v %v", m.GetFilter(), m.GetWindow().AsDuration(), m.GetComparator(), m.GetCritical(), recovery, m.GetDisabled())
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// Ask makes s a state for the given question. When the question is another than
// before, what was found does not count: the state is PENDING, and an alert that
// was on is closed with a recovery that says why.
func (s State) Ask(question string, now time.Time, reason string) (State, *Change) {
	if s.Question == question && s.Status != eventsv1.MonitorState_MONITOR_STATE_UNSPECIFIED {
		return s, nil
	}
	was := s.Status
	s.Question, s.Error = question, ""
	if was == eventsv1.MonitorState_MONITOR_STATE_UNSPECIFIED {
		s.Status, s.Since = pending, now
		return s, nil
	}
	return s.move(pending, now, reason)
}

// Evaluate is the step that a value makes.
func (s State) Evaluate(r Rule, value float64, now time.Time) (State, *Change) {
	s.Value, s.EvaluatedAt, s.Error = value, now, ""
	switch {
	case s.Status != alert && r.Met(value):
		return s.move(alert, now, "")
	case s.Status == alert && r.Recovered(value), s.Status == pending:
		return s.move(ok, now, "")
	}
	return s, nil
}

// Fail records an evaluation that gave no value. The state stays.
func (s State) Fail(reason string, now time.Time) State {
	s.EvaluatedAt, s.Error = now, reason
	return s
}

func (s State) move(to eventsv1.MonitorState, now time.Time, reason string) (State, *Change) {
	if s.Status == to {
		return s, nil
	}
	c := &Change{From: s.Status, To: to, At: now, Value: s.Value, Reason: reason}
	switch {
	case to == alert:
		c.Notify = notify.Alert
		s.Cycle++
	case s.Status == alert:
		c.Notify = notify.Recovery
	}
	s.Status, s.Since = to, now
	return s, c
}
