package monitor

import (
	"slices"
	"strings"

	"sluice.dev/platform/id"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/notify"
	"sluice.dev/services/events/internal/outbox"
)

// Composer writes notices about a monitor.
type Composer struct {
	// ConsoleURL is where people reach the web console, without a slash at the end.
	ConsoleURL string
}

// Link is the page of a monitor.
func (c Composer) Link(monitor string) string {
	return strings.TrimSuffix(c.ConsoleURL, "/") + "/monitors/" + monitor
}

// Notice is what a change says, and the handles that its message names.
func (c Composer) Notice(m *eventsv1.Monitor, ch Change, cycle uint64) (notify.Notice, []notify.Handle) {
	r := RuleOf(m)
	threshold, title, state := r.Critical, "[Triggered] ", "ALERT"
	if ch.Notify == notify.Recovery {
		title, state = "[Recovered] ", "OK"
		if r.Recovery != nil {
			threshold = *r.Recovery
		}
	}
	values := notify.Values{
		Variables: map[string]string{
			"value": notify.Number(ch.Value), "threshold": notify.Number(r.Critical), "ok_threshold": notify.Number(threshold),
			"comparator": notify.Symbol(r.Comparator), "name": m.GetName(), "description": m.GetDescription(), "query": m.GetFilter(),
			"state": state, "link": c.Link(m.GetId()),
		},
		Conditions: map[string]bool{"is_alert": ch.Notify == notify.Alert, "is_recovery": ch.Notify == notify.Recovery},
	}
	var rendered notify.Rendered
	if message, err := notify.Parse(m.GetMessage()); err == nil { // checked when it was saved
		rendered = message.Render(values)
	} else {
		rendered.Text = m.GetMessage()
	}
	title += m.GetName()
	if ch.Reason != "" {
		title += " (" + ch.Reason + ")"
	}
	return notify.Notice{
		Kind: ch.Notify, Title: title, Text: rendered.Text, Link: c.Link(m.GetId()), Time: ch.At, CycleKey: cycleKey(m.GetId(), cycle),
		MonitorID: m.GetId(), MonitorName: m.GetName(), Query: m.GetFilter(), State: state, Value: ch.Value, Threshold: r.Critical,
		Comparator: notify.Symbol(r.Comparator), Description: m.GetDescription(),
	}, rendered.Handles
}

// Targets are the channels of a notice: those of the monitor and those that the
// handles name, each once.
func Targets(m *eventsv1.Monitor, handles []notify.Handle, channels []*eventsv1.NotificationChannel) []Target {
	byName, byID := map[string]*eventsv1.NotificationChannel{}, map[string]*eventsv1.NotificationChannel{}
	for _, c := range channels {
		byName[c.GetName()], byID[c.GetId()] = c, c
	}
	var out []Target
	add := func(t Target) {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	for _, id := range m.GetChannelIds() {
		if c, ok := byID[id]; ok {
			add(Target{ChannelID: id, Name: c.GetName()})
		} else {
			add(Target{ChannelID: id, Problem: "the channel does not exist"})
		}
	}
	for _, h := range handles {
		if c, err := h.Resolve(byName); err == nil {
			add(Target{ChannelID: c.GetId(), Name: c.GetName()})
		} else {
			add(Target{Name: h.String(), Problem: err.Error()})
		}
	}
	return out
}

// record makes the transition of a change and its notifications, and lets s
// remember who was told.
func (c Composer) record(m *eventsv1.Monitor, s *State, ch Change, channels []*eventsv1.NotificationChannel) (*Transition, []outbox.Item) {
	t := &Transition{ID: id.Transition.At(ch.At), From: ch.From, To: ch.To, At: ch.At, Value: ch.Value, Reason: ch.Reason}
	if ch.Notify == "" {
		return t, nil
	}
	notice, handles := c.Notice(m, ch, s.Cycle)
	notice.ID = t.ID
	t.Targets = Targets(m, handles, channels)
	if ch.Notify == notify.Recovery {
		// Only those who heard of the alert hear of its end.
		t.Targets = slices.DeleteFunc(t.Targets, func(to Target) bool { return !slices.Contains(s.Alerted, to.ChannelID) })
	}
	var items []outbox.Item
	var told []string
	for _, to := range t.Targets {
		if to.Problem != "" {
			continue
		}
		it := outbox.Item{
			Key: outbox.KeyOf(m.GetId(), s.Cycle, t.ID, to.ChannelID), TransitionID: t.ID, ChannelID: to.ChannelID, ChannelName: to.Name, Notice: notice,
		}
		if ch.Notify == notify.Recovery {
			it.After, it.AfterKey = s.AlertID, outbox.KeyOf(m.GetId(), s.Cycle, s.AlertID, to.ChannelID)
		}
		items, told = append(items, it), append(told, to.ChannelID)
	}
	s.AlertID, s.Alerted = "", nil
	if ch.Notify == notify.Alert {
		s.AlertID, s.Alerted = t.ID, told
	}
	return t, items
}

func cycleKey(monitor string, cycle uint64) string {
	return monitor + ":" + notify.Number(float64(cycle))
}
