// Package monitor asks monitors' questions of the traffic, decides from the
// answers what state each is in, and keeps states and their changes in Redis. Each
// change is stored in one step with the notifications that it causes, so that a
// crash neither loses nor repeats one; sending them is package outbox's.
package monitor

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"sluice.dev/platform/errs"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

// Bounds and defaults of a monitor's times.
const (
	defaultWindow = 5 * time.Minute
	defaultEvery  = time.Minute
	minWindow     = time.Second
	maxWindow     = 48 * time.Hour
	minEvery      = time.Second
	maxEvery      = 24 * time.Hour
)

// Rule tells an alert from its absence.
type Rule struct {
	Comparator eventsv1.Comparator
	Critical   float64
	// Recovery is the threshold to cross back; nil: an alert ends as soon as
	// Critical is no longer met.
	Recovery *float64
}

// RuleOf is the rule of a monitor.
func RuleOf(m *eventsv1.Monitor) Rule {
	return Rule{Comparator: m.GetComparator(), Critical: m.GetCritical(), Recovery: m.CriticalRecovery}
}

// Met reports whether v is an alert.
func (r Rule) Met(v float64) bool {
	switch r.Comparator {
	case eventsv1.Comparator_COMPARATOR_ABOVE:
		return v > r.Critical
	case eventsv1.Comparator_COMPARATOR_ABOVE_OR_EQUAL:
		return v >= r.Critical
	case eventsv1.Comparator_COMPARATOR_BELOW:
		return v < r.Critical
	case eventsv1.Comparator_COMPARATOR_BELOW_OR_EQUAL:
		return v <= r.Critical
	}
	return false
}

// Recovered reports whether v ends an alert.
func (r Rule) Recovered(v float64) bool {
	if r.Recovery == nil {
		return !r.Met(v)
	}
	back := r
	back.Critical, back.Recovery = *r.Recovery, nil
	return !back.Met(v)
}

// Check fills in a monitor's defaults and says what is wrong with its numbers.
func Check(m *eventsv1.Monitor) error {
	if m.GetWindow() == nil {
		m.Window = durationpb.New(defaultWindow)
	}
	if m.GetEvery() == nil {
		m.Every = durationpb.New(defaultEvery)
	}
	if err := checkDuration("window", m.GetWindow(), minWindow, maxWindow); err != nil {
		return err
	}
	if err := checkDuration("every", m.GetEvery(), minEvery, maxEvery); err != nil {
		return err
	}
	if m.GetComparator() == eventsv1.Comparator_COMPARATOR_UNSPECIFIED {
		return errs.InvalidField("comparator", "say on which side of critical the alert lies, such as COMPARATOR_ABOVE")
	}
	if !finite(m.GetCritical()) {
		return errs.InvalidField("critical", "the threshold must be a number")
	}
	return checkRecovery(m)
}

func checkDuration(field string, d *durationpb.Duration, least, most time.Duration) error {
	if err := d.CheckValid(); err != nil || d.AsDuration() < least || d.AsDuration() > most {
		return errs.InvalidField(field, "%s is not between %s and %s", d.AsDuration(), least, most)
	}
	return nil
}

// checkRecovery refuses a recovery threshold on the alert's side: such an alert
// would end and begin again with each evaluation.
func checkRecovery(m *eventsv1.Monitor) error {
	if m.CriticalRecovery == nil {
		return nil
	}
	r := RuleOf(m)
	above := r.Comparator == eventsv1.Comparator_COMPARATOR_ABOVE || r.Comparator == eventsv1.Comparator_COMPARATOR_ABOVE_OR_EQUAL
	side := fmt.Sprintf("it must be at most critical (%v)", r.Critical)
	if !above {
		side = fmt.Sprintf("it must be at least critical (%v)", r.Critical)
	}
	if !finite(*r.Recovery) || above && *r.Recovery > r.Critical || !above && *r.Recovery < r.Critical {
		return errs.InvalidField("critical_recovery", "%v is not on the OK side of the threshold: %s", *r.Recovery, side)
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
