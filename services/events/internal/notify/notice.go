package notify

import (
	"strconv"
	"time"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

// Kind is why a notice is sent.
type Kind string

// The kinds of notices.
const (
	Alert    Kind = "alert"
	Recovery Kind = "recovery"
	Test     Kind = "test" // of a channel, about no monitor
)

// Notice is what is sent to a channel, complete: later changes of the monitor do
// not change it.
type Notice struct {
	ID       string // of the transition
	Kind     Kind
	Test     bool // sent to see whether it arrives; nothing happened
	Title    string
	Text     string
	Link     string
	Time     time.Time
	CycleKey string // the same from an alert to its recovery

	MonitorID, MonitorName  string
	Query, State            string
	Value, Threshold        float64
	Comparator, Description string
}

const testMark = "[TEST] "

// Marked is the notice marked as a test.
func (n Notice) Marked() Notice {
	n.Test, n.Title = true, testMark+n.Title
	if n.Text != "" {
		n.Text = testMark + n.Text
	}
	return n
}

// ChannelTest is the notice that tests a channel.
func ChannelTest(c *eventsv1.NotificationChannel, link string, now time.Time) Notice {
	return Notice{
		ID: "test", Kind: Test, Title: "Test notification", Text: "The channel " + c.GetName() + " works.", Link: link, Time: now,
		CycleKey: "test", State: "OK",
	}.Marked()
}

// Symbol is a comparator as people write it.
func Symbol(c eventsv1.Comparator) string {
	return map[eventsv1.Comparator]string{
		eventsv1.Comparator_COMPARATOR_ABOVE: ">", eventsv1.Comparator_COMPARATOR_ABOVE_OR_EQUAL: ">=",
		eventsv1.Comparator_COMPARATOR_BELOW: "<", eventsv1.Comparator_COMPARATOR_BELOW_OR_EQUAL: "<=",
	}[c]
}

// Number is a number as people write it.
func Number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
