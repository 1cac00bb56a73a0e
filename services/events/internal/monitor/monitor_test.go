package monitor

import (
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/notify"
)

const (
	above   = eventsv1.Comparator_COMPARATOR_ABOVE
	atLeast = eventsv1.Comparator_COMPARATOR_ABOVE_OR_EQUAL
	below   = eventsv1.Comparator_COMPARATOR_BELOW
	atMost  = eventsv1.Comparator_COMPARATOR_BELOW_OR_EQUAL
)

func TestRecoveryThresholds(t *testing.T) {
	cases := []struct {
		comparator eventsv1.Comparator
		recovery   *float64
		ends       float64 // the value that just ends an alert at 10
		stays      float64 // the value that just does not
	}{
		{above, nil, 10, 10.1},
		{above, proto.Float64(5), 5, 5.1},
		{atLeast, nil, 9.9, 10},
		{atLeast, proto.Float64(5), 4.9, 5},
		{below, nil, 10, 9.9},
		{below, proto.Float64(15), 15, 14.9},
		{atMost, nil, 10.1, 10},
		{atMost, proto.Float64(15), 15.1, 15},
	}
	for _, c := range cases {
		r := Rule{c.comparator, 10, c.recovery}
		if !r.Recovered(c.ends) || r.Recovered(c.stays) {
			t.Errorf("%v recovery %v: ends at %v is %v, at %v is %v", c.comparator, c.recovery, c.ends, r.Recovered(c.ends), c.stays, r.Recovered(c.stays))
		}
	}
}

func TestSteps(t *testing.T) {
	r := Rule{above, 10, proto.Float64(5)}
	now := time.Unix(1_800_000_000, 0)
	cases := []struct {
		from   eventsv1.MonitorState
		value  float64
		to     eventsv1.MonitorState
		notify notify.Kind
		change bool
	}{
		{pending, 0, ok, "", true},
		{pending, 11, alert, notify.Alert, true},
		{ok, 10, ok, "", false},
		{ok, 11, alert, notify.Alert, true},
		{alert, 11, alert, "", false},
		{alert, 7, alert, "", false}, // no longer met, not recovered either
		{alert, 5, ok, notify.Recovery, true},
	}
	for _, c := range cases {
		before := State{Status: c.from, Question: "q", Cycle: 3, Since: now.Add(-time.Hour), Error: "old"}
		after, change := before.Evaluate(r, c.value, now)
		if after.Status != c.to || (change != nil) != c.change || change != nil && change.Notify != c.notify || after.Value != c.value || after.Error != "" {
			t.Errorf("%v at %v: %+v, %+v", c.from, c.value, after, change)
		}
		if opened := after.Cycle == 4; opened != (c.notify == notify.Alert) {
			t.Errorf("%v at %v: cycle %d", c.from, c.value, after.Cycle)
		}
		if moved := after.Since.Equal(now); moved != c.change {
			t.Errorf("%v at %v: since %v", c.from, c.value, after.Since)
		}
	}
}

func TestANewQuestionClosesAnAlert(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s, change := State{}.Ask("q1", now, "changed")
	if s.Status != pending || change != nil {
		t.Errorf("a new monitor is %+v, %+v", s, change)
	}
	s.Status = alert
	if same, change := s.Ask("q1", now, "changed"); same.Status != alert || change != nil {
		t.Errorf("the same question: %+v, %+v", same, change)
	}
	s, change = s.Ask("q2", now, "changed")
	if s.Status != pending || change == nil || change.Notify != notify.Recovery || change.Reason != "changed" {
		t.Errorf("another question: %+v, %+v", s, change)
	}
}

// Whatever the values, each alert has one recovery before the next, and the state
// agrees with the rule.
func TestAlertsAndRecoveriesAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rule{rapid.SampledFrom([]eventsv1.Comparator{above, atLeast, below, atMost}).Draw(t, "comparator"), 10, nil}
		if rapid.Bool().Draw(t, "with recovery") {
			offset := rapid.Float64Range(0, 5).Draw(t, "offset")
			if r.Comparator == above || r.Comparator == atLeast {
				offset = -offset
			}
			r.Recovery = proto.Float64(10 + offset)
		}
		s, _ := State{}.Ask("q", time.Unix(0, 0), "")
		open, cycles := false, uint64(0)
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			now := time.Unix(int64(i), 0)
			var c *Change
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0:
				s = s.Fail("capture is away", now)
			case 1:
				s, c = s.Ask(rapid.SampledFrom([]string{"q", "p"}).Draw(t, "question"), now, "changed")
			default:
				v := rapid.Float64Range(0, 20).Draw(t, "value")
				s, c = s.Evaluate(r, v, now)
				if r.Met(v) && s.Status != alert || s.Status == alert && r.Recovered(v) {
					t.Fatalf("value %v under %+v is %v", v, r, s.Status)
				}
			}
			if c == nil {
				continue
			}
			switch c.Notify {
			case notify.Alert:
				if open || s.Cycle != cycles+1 {
					t.Fatalf("alert %d while one is open: %v", s.Cycle, open)
				}
				open, cycles = true, s.Cycle
			case notify.Recovery:
				if !open || s.Cycle != cycles {
					t.Fatal("a recovery of nothing")
				}
				open = false
			}
			if open != (s.Status == alert) {
				t.Fatalf("open %v in state %v", open, s.Status)
			}
		}
	})
}

func TestCheck(t *testing.T) {
	good := func() *eventsv1.Monitor { return &eventsv1.Monitor{Comparator: above, Critical: 10} }
	cases := []struct {
		name   string
		change func(*eventsv1.Monitor)
		want   string
	}{
		{"defaults", func(*eventsv1.Monitor) {}, ""},
		{"no comparator", func(m *eventsv1.Monitor) { m.Comparator = 0 }, "comparator"},
		{"not a number", func(m *eventsv1.Monitor) { m.Critical = math.NaN() }, "critical"},
		{"window too long", func(m *eventsv1.Monitor) { m.Window = durationpb.New(49 * time.Hour) }, "window"},
		{"every too short", func(m *eventsv1.Monitor) { m.Every = durationpb.New(time.Millisecond) }, "every"},
		{"recovery on the alert's side", func(m *eventsv1.Monitor) { m.CriticalRecovery = proto.Float64(11) }, "at most critical (10)"},
		{"recovery of below", func(m *eventsv1.Monitor) { m.Comparator, m.CriticalRecovery = below, proto.Float64(9) }, "at least critical (10)"},
		{"recovery at the threshold", func(m *eventsv1.Monitor) { m.CriticalRecovery = proto.Float64(10) }, ""},
	}
	for _, c := range cases {
		m := good()
		c.change(m)
		err := Check(m)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	m := good()
	if err := Check(m); err != nil || m.GetWindow().AsDuration() != 5*time.Minute || m.GetEvery().AsDuration() != time.Minute {
		t.Errorf("defaults are %v, %v", m, err)
	}
}

func TestQuestionIgnoresWhatIsNotAsked(t *testing.T) {
	m := &eventsv1.Monitor{Filter: "a", Comparator: above, Critical: 1}
	q := Question(m)
	m.Name, m.Message, m.ChannelIds, m.Every = "n", "m", []string{"c"}, durationpb.New(time.Second)
	if Question(m) != q {
		t.Error("a name is part of the question")
	}
	m.CriticalRecovery = proto.Float64(0)
	if Question(m) == q {
		t.Error("a recovery threshold of 0 is as good as none")
	}
}
