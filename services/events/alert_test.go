package events_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/fakes"
	"sluice.dev/platform/testenv"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

func ntfy(t *testing.T) *fakes.Ntfy {
	t.Helper()
	n := fakes.NewNtfy("")
	t.Cleanup(n.Close)
	return n
}

// channel makes an ntfy channel for the topic of its name.
func (r *replica) channel(t *testing.T, n *fakes.Ntfy, name string) string {
	t.Helper()
	made, err := r.channels.CreateNotificationChannel(background(t), &eventsv1.CreateNotificationChannelRequest{NotificationChannel: &eventsv1.NotificationChannel{
		Name: name, Target: &eventsv1.NotificationChannel_Ntfy{Ntfy: &eventsv1.NtfyChannel{Url: n.TopicURL(name)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return made.GetNotificationChannel().GetId()
}

// errorsMonitor alerts on any 5xx within the window.
func (r *replica) errorsMonitor(t *testing.T, window time.Duration, message string) string {
	t.Helper()
	made, err := r.monitors.CreateMonitor(background(t), &eventsv1.CreateMonitorRequest{Monitor: &eventsv1.Monitor{
		Name: "Errors", Filter: "@http.status_code:5xx", Window: durationpb.New(window), Every: durationpb.New(time.Second),
		Comparator: eventsv1.Comparator_COMPARATOR_ABOVE, Critical: 0, Message: message,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return made.GetMonitor().GetId()
}

func (r *replica) monitor(t *testing.T, id string) *eventsv1.Monitor {
	t.Helper()
	got, err := r.monitors.GetMonitor(background(t), &eventsv1.GetMonitorRequest{Id: id})
	if err != nil {
		t.Fatal(err)
	}
	return got.GetMonitor()
}

func (r *replica) awaitState(t *testing.T, id string, want eventsv1.MonitorState) {
	t.Helper()
	testenv.Eventually(t, 10*time.Second, func() bool { return r.monitor(t, id).GetStatus().GetState() == want }, "the monitor is "+want.String())
}

func (r *replica) transitions(t *testing.T, id string) []*eventsv1.MonitorTransition {
	t.Helper()
	got, err := r.monitors.ListMonitorTransitions(background(t), &eventsv1.ListMonitorTransitionsRequest{Id: id})
	if err != nil {
		t.Fatal(err)
	}
	return got.GetTransitions()
}

const (
	statePending = eventsv1.MonitorState_MONITOR_STATE_PENDING
	stateOK      = eventsv1.MonitorState_MONITOR_STATE_OK
	stateAlert   = eventsv1.MonitorState_MONITOR_STATE_ALERT
)

func titles(list []fakes.Notice) string {
	var all []string
	for _, n := range list {
		all = append(all, n.Title+": "+n.Message)
	}
	return strings.Join(all, " | ")
}

func TestAnAlertAndItsRecovery(t *testing.T) {
	t.Parallel()
	w, topic := newWorld(t, testenv.SharedRedis(t).URL()), ntfy(t)
	r := w.start()
	r.channel(t, topic, "ops")
	id := r.errorsMonitor(t, 2*time.Second, "@ntfy-ops {{#is_alert}}{{value}} errors, see {{link}}{{else}}all is well{{/is_alert}}")
	r.awaitState(t, id, stateOK)
	w.capture.Append(exchanges(3, 502)...)
	w.capture.Append(exchanges(3, 200)...)
	r.awaitState(t, id, stateAlert)
	r.awaitState(t, id, stateOK)
	testenv.Eventually(t, 30*time.Second, func() bool { return len(topic.Notices("ops")) == 2 }, "both notifications arrive")
	want := "[Triggered] Errors: 3 errors, see http://console/monitors/" + id + " | [Recovered] Errors: all is well"
	if got := titles(topic.Notices("ops")); got != want {
		t.Errorf("the topic has %s, want %s", got, want)
	}
	testenv.Eventually(t, 30*time.Second, func() bool {
		list := r.transitions(t, id)
		return len(list) == 3 && len(list[0].GetNotifications()) == 1 && list[0].GetNotifications()[0].GetDelivered()
	}, "the history tells of the recovery")
	list := r.transitions(t, id)
	if a := list[1]; a.GetTo() != stateAlert || a.GetValue() != 3 || !a.GetNotifications()[0].GetDelivered() || a.GetNotifications()[0].GetStatusCode() != 200 {
		t.Errorf("the alert's transition is %v", a)
	}
	if p := list[2]; p.GetFrom() != statePending || p.GetTo() != stateOK || len(p.GetNotifications()) != 0 {
		t.Errorf("the first transition is %v", p)
	}
}

func TestAnAlertIsNotifiedOnceByReplicasAndOverRestarts(t *testing.T) {
	t.Parallel()
	w, topic := newWorld(t, testenv.SharedRedis(t).URL()), ntfy(t)
	first, second := w.start(), w.start()
	first.channel(t, topic, "ops")
	id := first.errorsMonitor(t, time.Hour, "@ntfy-ops")
	first.awaitState(t, id, stateOK)
	w.capture.Append(exchanges(1, 500)...)
	first.awaitState(t, id, stateAlert)
	testenv.Eventually(t, 30*time.Second, func() bool { return len(topic.Notices("ops")) == 1 }, "the notification arrives")
	first.stop()
	second.stop()
	third := w.start()
	before := time.Now()
	testenv.Eventually(t, 15*time.Second, func() bool { return third.monitor(t, id).GetStatus().GetEvaluatedAt().AsTime().After(before) }, "the monitor is evaluated again")
	w.capture.Append(exchanges(1, 500)...)
	testenv.Eventually(t, 30*time.Second, func() bool { return third.monitor(t, id).GetStatus().GetValue() == 2 }, "the second error is seen")
	if got := topic.Notices("ops"); len(got) != 1 || got[0].Message != "triggered" {
		t.Errorf("the topic has %s", titles(got))
	}
}

func TestNotificationsSurviveAnOutageAndAStop(t *testing.T) {
	t.Parallel()
	w, topic := newWorld(t, testenv.SharedRedis(t).URL()), ntfy(t)
	r := w.start()
	r.channel(t, topic, "ops")
	id := r.errorsMonitor(t, time.Hour, "bad @ntfy-ops")
	r.awaitState(t, id, stateOK)
	topic.Fail(fakes.Failure{Status: 503})
	w.capture.Append(exchanges(1, 500)...)
	if !topic.Await(10*time.Second, func() bool { return topic.Requests() >= 1 }) {
		t.Fatal("no attempt")
	}
	r.stop()
	topic.Recover()
	r = w.start()
	testenv.Eventually(t, 15*time.Second, func() bool { return len(topic.Notices("ops")) == 1 }, "the notification arrives after the restart")
	testenv.Eventually(t, 30*time.Second, func() bool { return r.transitions(t, id)[0].GetNotifications()[0].GetDelivered() }, "the history knows")
}

func TestARecoveryFollowsOnlyAnAlertThatArrived(t *testing.T) {
	t.Parallel()
	w, topic := newWorld(t, testenv.SharedRedis(t).URL()), ntfy(t)
	r := w.start()
	r.channel(t, topic, "good")
	secret := fakes.NewNtfy("tk_secret")
	t.Cleanup(secret.Close)
	r.channel(t, secret, "closed") // refuses for want of a token
	id := r.errorsMonitor(t, 2*time.Second, "x @ntfy-good @ntfy-closed")
	r.awaitState(t, id, stateOK)
	w.capture.Append(exchanges(1, 500)...)
	r.awaitState(t, id, stateAlert)
	r.awaitState(t, id, stateOK)
	testenv.Eventually(t, 30*time.Second, func() bool { return len(topic.Notices("good")) == 2 }, "the good channel gets both")
	testenv.Eventually(t, 30*time.Second, func() bool {
		for _, n := range r.transitions(t, id)[0].GetNotifications() {
			if n.GetChannelName() == "closed" {
				return strings.Contains(n.GetError(), "never arrived")
			}
		}
		return false
	}, "the history says that the recovery was not sent")
	if n := secret.Requests(); n != 1 {
		t.Errorf("the refusing channel was called %d times", n)
	}
}

func TestAChangedQuestionClosesTheAlert(t *testing.T) {
	t.Parallel()
	w, topic := newWorld(t, testenv.SharedRedis(t).URL()), ntfy(t)
	r := w.start()
	r.channel(t, topic, "ops")
	id := r.errorsMonitor(t, time.Hour, "@ntfy-ops")
	w.capture.Append(exchanges(1, 500)...)
	r.awaitState(t, id, stateAlert)
	if _, err := r.monitors.UpdateMonitor(background(t), &eventsv1.UpdateMonitorRequest{
		Monitor: &eventsv1.Monitor{Id: id, Critical: 10}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"critical"}},
	}); err != nil {
		t.Fatal(err)
	}
	r.awaitState(t, id, stateOK)
	testenv.Eventually(t, 30*time.Second, func() bool { return len(topic.Notices("ops")) == 2 }, "the alert is closed")
	if got := topic.Notices("ops")[1].Title; got != "[Recovered] Errors (monitor changed)" {
		t.Errorf("it is closed with %q", got)
	}
}

func TestAFailedEvaluationKeepsTheState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.SharedRedis(t).URL())
	r := w.start()
	id := r.errorsMonitor(t, time.Hour, "")
	w.capture.Append(exchanges(1, 500)...)
	r.awaitState(t, id, stateAlert)
	w.capture.Fail(status.Error(codes.Unavailable, "capture is away"))
	testenv.Eventually(t, 30*time.Second, func() bool { return r.monitor(t, id).GetStatus().GetError() == "capture is away" }, "the status tells why")
	if s := r.monitor(t, id).GetStatus(); s.GetState() != stateAlert || s.GetValue() != 1 {
		t.Errorf("the status is %v", s)
	}
	w.capture.Fail(nil)
	testenv.Eventually(t, 30*time.Second, func() bool { return r.monitor(t, id).GetStatus().GetError() == "" }, "the status recovers")
}

func TestTheSeedsWebhookMonitor(t *testing.T) {
	t.Parallel()
	w, topic := newWorld(t, testenv.SharedRedis(t).URL()), ntfy(t)
	r := w.start()
	made, err := r.channels.CreateNotificationChannel(background(t), &eventsv1.CreateNotificationChannelRequest{NotificationChannel: &eventsv1.NotificationChannel{
		Name: "ntfy", Target: &eventsv1.NotificationChannel_Webhook{Webhook: &eventsv1.WebhookChannel{Url: topic.TopicURL("alerts"), Payload: proto.String("")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	id := r.errorsMonitor(t, time.Hour, "@webhook-ntfy Your API has errors.")
	r.awaitState(t, id, stateOK)
	tested, err := r.monitors.TestMonitor(background(t), &eventsv1.TestMonitorRequest{Id: id})
	if err != nil || len(tested.GetResults()) != 1 || !tested.GetResults()[0].GetDelivered() {
		t.Fatalf("the test says %v, %v", tested, err)
	}
	if got := topic.Notices("alerts"); len(got) != 1 || got[0].Message != "triggered" {
		t.Errorf("the topic has %+v", got)
	}
	if s := r.monitor(t, id).GetStatus().GetState(); s != stateOK || len(r.transitions(t, id)) != 1 {
		t.Errorf("a test changed the state to %v", s)
	}
	channel := made.GetNotificationChannel().GetId()
	if _, err := r.channels.DeleteNotificationChannel(background(t), &eventsv1.DeleteNotificationChannelRequest{Id: channel}); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), id) {
		t.Errorf("deleting a channel in use: %v", err)
	}
	if _, err := r.channels.UpdateNotificationChannel(background(t), &eventsv1.UpdateNotificationChannelRequest{
		NotificationChannel: &eventsv1.NotificationChannel{Id: channel, Name: "renamed"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}},
	}); err != nil {
		t.Fatal(err)
	}
	_, err = r.monitors.UpdateMonitor(background(t), &eventsv1.UpdateMonitorRequest{Monitor: &eventsv1.Monitor{Id: id, Description: "d"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}}})
	e := errs.As(err)
	if e == nil || len(e.Violations) != 1 || e.Violations[0].Field != "message" || e.Violations[0].Line != 1 || e.Violations[0].Column != 1 {
		t.Errorf("saving with a handle of nobody: %v", err)
	}
}

func TestChannelTestsAndSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.SharedRedis(t).URL())
	r := w.start()
	secret := fakes.NewNtfy("tk_1")
	t.Cleanup(secret.Close)
	made, err := r.channels.CreateNotificationChannel(background(t), &eventsv1.CreateNotificationChannelRequest{NotificationChannel: &eventsv1.NotificationChannel{
		Name: "ops", Target: &eventsv1.NotificationChannel_Ntfy{Ntfy: &eventsv1.NtfyChannel{Url: secret.TopicURL("ops"), Token: "tk_1"}},
	}})
	if err != nil || made.GetNotificationChannel().GetNtfy().GetToken() != "" {
		t.Fatalf("created %v, %v", made, err)
	}
	id := made.GetNotificationChannel().GetId()
	if _, err := r.channels.UpdateNotificationChannel(background(t), &eventsv1.UpdateNotificationChannelRequest{
		NotificationChannel: made.GetNotificationChannel(), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name", "ntfy", "revision", "last_error"}},
	}); err != nil {
		t.Fatal(err)
	}
	tested, err := r.channels.TestNotificationChannel(background(t), &eventsv1.TestNotificationChannelRequest{Id: id})
	if err != nil || !tested.GetResult().GetDelivered() {
		t.Fatalf("the token is lost when a channel is sent back as it was read: %v, %v", tested, err)
	}
	if got := secret.Notices("ops"); len(got) != 1 || !strings.HasPrefix(got[0].Title, "[TEST]") {
		t.Errorf("the topic has %+v", got)
	}
	secret.Fail(fakes.Failure{Status: 507, Body: "full"})
	if tested, err := r.channels.TestNotificationChannel(background(t), &eventsv1.TestNotificationChannelRequest{Id: id}); err != nil || tested.GetResult().GetDelivered() || tested.GetResult().GetStatusCode() != 507 {
		t.Errorf("the test says %v, %v", tested, err)
	}
	got, err := r.channels.GetNotificationChannel(background(t), &eventsv1.GetNotificationChannelRequest{Id: id})
	if err != nil || !strings.Contains(got.GetNotificationChannel().GetLastError(), "507") || got.GetNotificationChannel().GetLastSuccessAt() == nil {
		t.Errorf("the channel is %v, %v", got, err)
	}
}

func TestMonitorsAreCheckedWhenTheyAreSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.SharedRedis(t).URL())
	r := w.start()
	good := func() *eventsv1.Monitor {
		return &eventsv1.Monitor{Name: "m", Comparator: eventsv1.Comparator_COMPARATOR_ABOVE}
	}
	cases := map[string]func(*eventsv1.Monitor){
		"filter":            func(m *eventsv1.Monitor) { m.Filter = "(" },
		"message":           func(m *eventsv1.Monitor) { m.Message = "{{valeu}}" },
		"channel_ids[0]":    func(m *eventsv1.Monitor) { m.ChannelIds = []string{"nch_none"} },
		"critical_recovery": func(m *eventsv1.Monitor) { m.CriticalRecovery = proto.Float64(1) },
		"comparator":        func(m *eventsv1.Monitor) { m.Comparator = 0 },
		"window":            func(m *eventsv1.Monitor) { m.Window = durationpb.New(72 * time.Hour) },
	}
	for field, spoil := range cases {
		m := good()
		spoil(m)
		_, err := r.monitors.CreateMonitor(background(t), &eventsv1.CreateMonitorRequest{Monitor: m})
		if e := errs.As(err); e == nil || e.Code != codes.InvalidArgument || len(e.Violations) != 1 || e.Violations[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
