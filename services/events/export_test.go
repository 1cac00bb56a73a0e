package events_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/fakes"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

func datadog(t *testing.T) *fakes.Datadog {
	t.Helper()
	d := fakes.NewDatadog("k")
	t.Cleanup(d.Close)
	return d
}

func (r *replica) datadogDestination(t *testing.T, intake *fakes.Datadog) string {
	t.Helper()
	made, err := r.destinations.CreateEventDestination(background(t), &eventsv1.CreateEventDestinationRequest{EventDestination: &eventsv1.EventDestination{
		Description: "intake", Target: &eventsv1.EventDestination_Datadog{Datadog: &eventsv1.DatadogTarget{ApiKey: "k", Url: intake.LogsURL()}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return made.GetEventDestination().GetId()
}

func (r *replica) subscribe(t *testing.T, filter string, to ...string) string {
	t.Helper()
	made, err := r.subscriptions.CreateEventSubscription(background(t), &eventsv1.CreateEventSubscriptionRequest{EventSubscription: &eventsv1.EventSubscription{
		Sources: []*eventsv1.EventSource{{Type: "http_request_complete.v0", Filter: filter}}, DestinationIds: to,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return made.GetEventSubscription().GetId()
}

// eventIDs are the ids of the events of exchanges.
func eventIDs(list []*capturev1.Exchange) []string {
	ids := make([]string, len(list))
	for i, ex := range list {
		ids[i] = "ev_" + strings.TrimPrefix(ex.GetId(), "ex_")
	}
	return ids
}

// hasAll reports whether the intake got each event at least once.
func hasAll(intake *fakes.Datadog, list []*capturev1.Exchange) func() bool {
	return func() bool {
		copies := intake.Copies()
		return !slices.ContainsFunc(eventIDs(list), func(id string) bool { return copies[id] == 0 })
	}
}

func TestEventsArriveOnceAndSoon(t *testing.T) {
	t.Parallel()
	w, intake := newWorld(t, testenv.SharedRedis(t).URL()), datadog(t)
	r := w.start()
	old, fresh := exchanges(3, 200), exchanges(2500, 200)
	w.capture.Append(old...)
	to := r.datadogDestination(t, intake)
	sub := r.subscribe(t, "", to)

	w.capture.Append(exchanges(1, 200)...)
	testenv.Eventually(t, 3*time.Second, func() bool { return len(intake.Entries()) == 1 }, "the worker runs")
	stored := time.Now()
	w.capture.Append(fresh[:1]...)
	testenv.Eventually(t, 30*time.Second, hasAll(intake, fresh[:1]), "one event arrives")
	if took := time.Since(stored); took > time.Second {
		t.Errorf("an event took %s", took)
	}
	w.capture.Append(fresh[1:]...)
	testenv.Eventually(t, 10*time.Second, hasAll(intake, fresh), "all events arrive")

	copies := intake.Copies()
	for _, id := range eventIDs(fresh) {
		if copies[id] != 1 {
			t.Errorf("%s arrived %d times", id, copies[id])
		}
	}
	for _, id := range eventIDs(old) {
		if copies[id] != 0 {
			t.Errorf("%s is older than the subscription", id)
		}
	}
	testenv.Eventually(t, 3*time.Second, func() bool {
		got, err := r.subscriptions.GetEventSubscription(background(t), &eventsv1.GetEventSubscriptionRequest{Id: sub})
		return err == nil && got.GetEventSubscription().GetStatus()[to].GetDelivered() == 2501 && got.GetEventSubscription().GetStatus()[to].GetLastSuccessAt() != nil
	}, "the subscription's status counts what was delivered")
	got, err := r.destinations.GetEventDestination(background(t), &eventsv1.GetEventDestinationRequest{Id: to})
	if err != nil || got.GetEventDestination().GetStatus().GetDelivered() != 2501 || got.GetEventDestination().GetDatadog().GetApiKey() != "" {
		t.Errorf("the destination is %v, %v", got, err)
	}
}

func TestFiltersAndFieldsAreKept(t *testing.T) {
	t.Parallel()
	w, intake := newWorld(t, testenv.SharedRedis(t).URL()), datadog(t)
	r := w.start()
	sub := r.subscribe(t, "@http.status_code:5xx", r.datadogDestination(t, intake))
	if _, err := r.subscriptions.UpdateEventSubscription(background(t), &eventsv1.UpdateEventSubscriptionRequest{
		EventSubscription: &eventsv1.EventSubscription{Id: sub, Sources: []*eventsv1.EventSource{{
			Type: "http_request_complete.v0", Filter: "@http.status_code:5xx", Fields: []string{"http.response.status_code"}}}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"sources"}},
	}); err != nil {
		t.Fatal(err)
	}
	good, bad := exchanges(2, 200), exchanges(2, 502)
	w.capture.Append(good[0], bad[0], good[1], bad[1])
	testenv.Eventually(t, 30*time.Second, hasAll(intake, bad), "matching events arrive")
	for _, e := range intake.Entries() {
		object, _ := e["object"].(map[string]any)
		if len(object) != 1 || e["http"].(map[string]any)["status_code"] != 502.0 {
			t.Errorf("entry is %v", e)
		}
	}
}

func TestAnOutageOfTheDestinationLosesNothing(t *testing.T) {
	t.Parallel()
	w, intake := newWorld(t, testenv.SharedRedis(t).URL()), datadog(t)
	r := w.start()
	to := r.datadogDestination(t, intake)
	r.subscribe(t, "", to)
	intake.Fail(fakes.Failure{Status: 503})
	list := exchanges(700, 200)
	w.capture.Append(list[:600]...)
	if !intake.Await(5*time.Second, func() bool { return intake.Requests() >= 2 }) {
		t.Fatal("the destination is not tried again")
	}
	got, err := r.destinations.GetEventDestination(background(t), &eventsv1.GetEventDestinationRequest{Id: to})
	if err != nil || !strings.Contains(got.GetEventDestination().GetStatus().GetLastError(), "503") {
		t.Errorf("the status tells nothing of the outage: %v, %v", got, err)
	}
	w.capture.Append(list[600:]...)
	intake.Recover()
	testenv.Eventually(t, 15*time.Second, hasAll(intake, list), "all events arrive in the end")
}

func TestARefusedEventGoesToTheDeadLettersAlone(t *testing.T) {
	t.Parallel()
	db := testenv.SharedRedis(t)
	w := newWorld(t, db.URL())
	hook := fakes.NewWebhook("")
	t.Cleanup(hook.Close)
	r := w.start()
	made, err := r.destinations.CreateEventDestination(background(t), &eventsv1.CreateEventDestinationRequest{EventDestination: &eventsv1.EventDestination{
		Target: &eventsv1.EventDestination_Webhook{Webhook: &eventsv1.WebhookTarget{Url: hook.URL()}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	to := made.GetEventDestination().GetId()
	r.subscribe(t, "", to)
	hook.Fail(fakes.Failure{Status: 422, Body: "no thanks", Times: 1})
	list := exchanges(3, 200)
	w.capture.Append(list...)
	testenv.Eventually(t, 30*time.Second, func() bool { return len(hook.Deliveries()) == 2 }, "the others arrive")
	testenv.Eventually(t, 30*time.Second, func() bool {
		got, err := r.destinations.GetEventDestination(background(t), &eventsv1.GetEventDestinationRequest{Id: to})
		s := got.GetEventDestination().GetStatus()
		return err == nil && s.GetRejected() == 1 && s.GetDelivered() == 2 && strings.Contains(s.GetLastError(), "no thanks")
	}, "the status counts it")
	dead, err := db.Client().XRange(background(t), "{sluice}:delivery:dead:"+to, "-", "+").Result()
	if err != nil || len(dead) != 1 || dead[0].Values["event_id"] != eventIDs(list)[0] || !strings.Contains(dead[0].Values["event"].(string), `"event_id"`) {
		t.Errorf("dead letters are %v, %v", dead, err)
	}
}

func TestARestartGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w, intake := newWorld(t, testenv.SharedRedis(t).URL()), datadog(t)
	r := w.start()
	r.subscribe(t, "", r.datadogDestination(t, intake))
	list := exchanges(300, 200)
	w.capture.Append(list[:100]...)
	testenv.Eventually(t, 30*time.Second, hasAll(intake, list[:100]), "the first events arrive")
	r.stop()
	w.capture.Append(list[100:200]...)
	w.start()
	w.capture.Append(list[200:]...)
	testenv.Eventually(t, 10*time.Second, hasAll(intake, list), "events from before, during and after the restart arrive")
	for id, n := range intake.Copies() {
		if n != 1 {
			t.Errorf("%s arrived %d times", id, n)
		}
	}
}

func TestTwoReplicasDeliverOnce(t *testing.T) {
	t.Parallel()
	w, intake := newWorld(t, testenv.SharedRedis(t).URL()), datadog(t)
	first, second := w.start(), w.start()
	first.subscribe(t, "", first.datadogDestination(t, intake))
	list := exchanges(200, 200)
	for _, ex := range list[:100] {
		w.capture.Append(ex)
	}
	testenv.Eventually(t, 10*time.Second, hasAll(intake, list[:100]), "events arrive")
	first.stop()
	w.capture.Append(list[100:]...)
	testenv.Eventually(t, 10*time.Second, hasAll(intake, list), "the other replica takes over")
	for id, n := range intake.Copies() {
		if n != 1 {
			t.Errorf("%s arrived %d times", id, n)
		}
	}
	_ = second
}

func TestCaptureAwayWhenTheSubscriptionIsMade(t *testing.T) {
	t.Parallel()
	w, intake := newWorld(t, testenv.SharedRedis(t).URL()), datadog(t)
	r := w.start()
	old, fresh := exchanges(3, 200), exchanges(3, 200)
	for _, ex := range old {
		ex.StartTime.Seconds -= 60
	}
	w.capture.Append(old...)
	w.capture.Fail(status.Error(codes.Unavailable, "away"))
	r.subscribe(t, "@http.status_code:200", r.datadogDestination(t, intake))
	for _, ex := range fresh {
		ex.StartTime.Seconds++
	}
	w.capture.Append(fresh...)
	w.capture.Fail(nil)
	testenv.Eventually(t, 10*time.Second, hasAll(intake, fresh), "events since the subscription arrive")
	if n := len(intake.Entries()); n != 3 {
		t.Errorf("%d events arrived, of which some are older than the subscription", n)
	}
}

func TestRedisRestartsUnderDelivery(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	w, intake := newWorld(t, server.URL()), datadog(t)
	r := w.start()
	r.subscribe(t, "", r.datadogDestination(t, intake))
	list := exchanges(40, 200)
	for i, ex := range list {
		if i == 20 {
			server.Kill()
			server.Restart()
		}
		w.capture.Append(ex)
	}
	testenv.Eventually(t, 30*time.Second, hasAll(intake, list), "all events arrive over a restart of Redis")
}

func TestWhatIsRefusedWhenItIsSaved(t *testing.T) {
	t.Parallel()
	w, intake := newWorld(t, testenv.SharedRedis(t).URL()), datadog(t)
	r := w.start()
	to := r.datadogDestination(t, intake)
	source := func(s *eventsv1.EventSource) *eventsv1.EventSubscription {
		return &eventsv1.EventSubscription{Sources: []*eventsv1.EventSource{s}, DestinationIds: []string{to}}
	}
	cases := []struct {
		name string
		give *eventsv1.EventSubscription
		want errs.Violation
	}{
		{"type", source(&eventsv1.EventSource{Type: "http_request_completed.v0"}), errs.Violation{Field: "sources[0].type", Hint: "http_request_complete.v0"}},
		{"field", source(&eventsv1.EventSource{Type: "http_request_complete.v0", Fields: []string{"conn.client_ipp"}}), errs.Violation{Field: "sources[0].fields[0]", Hint: "conn.client_ip"}},
		{"filter", source(&eventsv1.EventSource{Type: "http_request_complete.v0", Filter: "method:GET AND"}), errs.Violation{Field: "sources[0].filter", Column: 15}},
		{"filter field", source(&eventsv1.EventSource{Type: "http_request_complete.v0", Filter: "@http.status_cod:500"}), errs.Violation{Field: "sources[0].filter", Hint: "@http.status_code"}},
		{"destination", &eventsv1.EventSubscription{Sources: []*eventsv1.EventSource{{Type: "http_request_complete.v0"}}, DestinationIds: []string{"ed_none"}}, errs.Violation{Field: "destination_ids[0]"}},
	}
	for _, c := range cases {
		_, err := r.subscriptions.CreateEventSubscription(background(t), &eventsv1.CreateEventSubscriptionRequest{EventSubscription: c.give})
		e := errs.As(err)
		if e == nil || e.Code != codes.InvalidArgument || len(e.Violations) != 1 {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if v := e.Violations[0]; v.Field != c.want.Field || !strings.Contains(v.Hint, c.want.Hint) || c.want.Column != 0 && v.Column != c.want.Column {
			t.Errorf("%s: %+v, want %+v", c.name, v, c.want)
		}
	}
	sub := r.subscribe(t, "", to)
	if _, err := r.destinations.DeleteEventDestination(background(t), &eventsv1.DeleteEventDestinationRequest{Id: to}); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), sub) {
		t.Errorf("deleting a destination in use: %v", err)
	}
	if _, err := r.subscriptions.DeleteEventSubscription(background(t), &eventsv1.DeleteEventSubscriptionRequest{Id: sub}); err != nil {
		t.Error(err)
	}
	if _, err := r.destinations.DeleteEventDestination(background(t), &eventsv1.DeleteEventDestinationRequest{Id: to}); err != nil {
		t.Error(err)
	}
}

func TestTestEventDestinationShowsTheAnswer(t *testing.T) {
	t.Parallel()
	w, intake := newWorld(t, testenv.SharedRedis(t).URL()), datadog(t)
	r := w.start()
	to := r.datadogDestination(t, intake)
	test := func() *eventsv1.TestEventDestinationResponse {
		got, err := r.destinations.TestEventDestination(background(t), &eventsv1.TestEventDestinationRequest{Id: to})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := test(); !got.GetDelivered() || got.GetStatusCode() != 202 || intake.Copies()[got.GetEventId()] != 1 {
		t.Errorf("answer is %v", got)
	}
	if _, err := r.destinations.UpdateEventDestination(background(t), &eventsv1.UpdateEventDestinationRequest{
		EventDestination: &eventsv1.EventDestination{Id: to, Target: &eventsv1.EventDestination_Datadog{Datadog: &eventsv1.DatadogTarget{ApiKey: "wrong"}}},
		UpdateMask:       &fieldmaskpb.FieldMask{Paths: []string{"datadog.api_key"}},
	}); err != nil {
		t.Fatal(err)
	}
	if got := test(); got.GetDelivered() || got.GetStatusCode() != 403 || !strings.Contains(got.GetResponseBody(), "API key is invalid") {
		t.Errorf("answer is %v", got)
	}
	if _, err := r.destinations.UpdateEventDestination(background(t), &eventsv1.UpdateEventDestinationRequest{
		EventDestination: &eventsv1.EventDestination{Id: to, Target: &eventsv1.EventDestination_Webhook{Webhook: &eventsv1.WebhookTarget{Url: "http://x"}}},
	}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a destination changes its kind: %v", err)
	}
}
