package events_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/fakes"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/sealed"
	"sluice.dev/platform/testenv"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

func TestSecretsOfTargetsAreSealed(t *testing.T) {
	w := newWorld(t, testenv.SharedRedis(t).URL())
	keys := w.keys
	w.keys = "" // as before there was a key file
	r, ctx := w.start(), background(t)
	ntfy := fakes.NewNtfy("tk_planted")
	t.Cleanup(ntfy.Close)
	made, err := r.channels.CreateNotificationChannel(ctx, &eventsv1.CreateNotificationChannelRequest{NotificationChannel: &eventsv1.NotificationChannel{
		Name: "ops", Target: &eventsv1.NotificationChannel_Ntfy{Ntfy: &eventsv1.NtfyChannel{Url: ntfy.TopicURL("ops"), Token: "tk_planted"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	db, err := redisdb.Open(redisdb.Config{URL: w.redis})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	stored := func() string {
		return strings.Join(db.HVals(ctx, db.Key("docs", "notification_channel")).Val(), "")
	}
	if !strings.Contains(stored(), "tk_planted") {
		t.Fatal("the token is not where the test looks for it")
	}

	w.keys = keys
	r = w.start()
	reencrypt := func(want int32) {
		t.Helper()
		if res, err := r.sealing.ReencryptEventSecrets(ctx, &eventsv1.ReencryptEventSecretsRequest{}); err != nil || res.GetReencrypted() != want {
			t.Errorf("encrypted %d, %v; want %d", res.GetReencrypted(), err, want)
		}
	}
	reencrypt(1)
	if strings.Contains(stored(), "tk_planted") {
		t.Error("the token is in Redis in clear")
	}
	if _, err := sealed.AddKey(keys); err != nil {
		t.Fatal(err)
	}
	reencrypt(1)
	reencrypt(0)
	id := made.GetNotificationChannel().GetId()
	res, err := r.channels.TestNotificationChannel(ctx, &eventsv1.TestNotificationChannelRequest{Id: id})
	if err != nil || !res.GetResult().GetDelivered() {
		t.Errorf("with the sealed token: %v %v", res, err)
	}
	r.stop()

	w.keys = "" // lost
	r = w.start()
	if page, err := r.channels.ListNotificationChannels(ctx, &eventsv1.ListNotificationChannelsRequest{}); err != nil || len(page.GetNotificationChannels()) != 1 {
		t.Errorf("listing without the key: %v %v", page, err)
	}
	if _, err := r.channels.TestNotificationChannel(ctx, &eventsv1.TestNotificationChannelRequest{Id: id}); !errs.Is(err, sealed.ReasonNoKey) {
		t.Errorf("use without the key: %v", err)
	}
	_, err = r.channels.UpdateNotificationChannel(ctx, &eventsv1.UpdateNotificationChannelRequest{
		NotificationChannel: &eventsv1.NotificationChannel{Id: id, Name: "other"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}},
	})
	if !errs.Is(err, sealed.ReasonNoKey) {
		t.Errorf("change without the key: %v", err)
	}
	if _, err := r.channels.DeleteNotificationChannel(ctx, &eventsv1.DeleteNotificationChannelRequest{Id: id}); err != nil {
		t.Errorf("deletion without the key: %v", err)
	}
}
