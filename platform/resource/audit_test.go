package resource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/id"
	"sluice.dev/platform/resource"
)

func TestEveryChangeIsAudited(t *testing.T) {
	c, db := shared(t)
	ctx := as("ak_me")
	if _, _, err := c.Create(ctx, "ep_1", &policyv1.Endpoint{Url: "https://a"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Update(ctx, "ep_1", func(e *policyv1.Endpoint) (*policyv1.Endpoint, error) { e.Url = "https://b"; return e, nil }); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(context.Background(), "ep_1"); err != nil {
		t.Fatal(err)
	}

	page, next, err := resource.NewAuditLog(db).List(context.Background(), resource.AuditFilter{}, 0, "")
	if err != nil || next != "" || len(page) != 3 {
		t.Fatalf("%d entries, next %q, %v", len(page), next, err)
	}
	for i, want := range []struct{ kind, principal, url string }{
		{"endpoint_deleted.v0", "local", "https://b"},
		{"endpoint_updated.v0", "ak_me", "https://b"},
		{"endpoint_created.v0", "ak_me", "https://a"},
	} {
		got := page[i]
		var object struct{ URL string }
		if err := json.Unmarshal(got.Object, &object); err != nil {
			t.Fatal(err)
		}
		if got.Type != want.kind || got.Principal != want.principal || object.URL != want.url || got.ObjectID != "ep_1" ||
			got.Revision != uint64(3-i) || !id.Event.Valid(got.ID) || got.Time.IsZero() {
			t.Errorf("entry %d: %+v, object %s", i, got, got.Object)
		}
	}
}

func TestAuditHasNoSecrets(t *testing.T) {
	_, db := shared(t)
	c := resource.New(db, "event_destination", resource.Options[*eventsv1.EventDestination]{})
	doc := &eventsv1.EventDestination{Target: &eventsv1.EventDestination_Webhook{Webhook: &eventsv1.WebhookTarget{Url: "https://h", Secret: "hunter2"}}}
	if _, _, err := c.Create(context.Background(), "ed_1", doc); err != nil {
		t.Fatal(err)
	}
	page, _, err := resource.NewAuditLog(db).List(context.Background(), resource.AuditFilter{}, 0, "")
	if err != nil || len(page) != 1 || strings.Contains(string(page[0].Object), "hunter2") || !strings.Contains(string(page[0].Object), "https://h") {
		t.Errorf("got %s, %v", page[0].Object, err)
	}
	if got, _, _ := c.Get(context.Background(), "ed_1"); got.GetWebhook().GetSecret() != "hunter2" {
		t.Error("the document lost its secret")
	}
}

func TestAuditPagesAndFilters(t *testing.T) {
	c, db := shared(t)
	log := resource.NewAuditLog(db)
	ctx := context.Background()
	for i := range 5 {
		mustCreate(t, c, fmt.Sprint("ep_", i), fmt.Sprint("https://", i))
	}
	if err := c.Delete(ctx, "ep_1"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for cursor := ""; ; {
		page, next, err := log.List(ctx, resource.AuditFilter{Type: "endpoint_created.v0"}, 2, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			got = append(got, e.ObjectID)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if want := "[ep_4 ep_3 ep_2 ep_1 ep_0]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	page, _, err := log.List(ctx, resource.AuditFilter{ObjectID: "ep_1"}, 10, "")
	if err != nil || len(page) != 2 {
		t.Errorf("of ep_1: %v, %v", page, err)
	}
}

func TestAuditCutsLongTexts(t *testing.T) {
	c, db := shared(t)
	long := strings.Repeat("é", 100_000)
	if _, _, err := c.Create(context.Background(), "ep_1", &policyv1.Endpoint{Url: "https://a", TrafficPolicy: long}); err != nil {
		t.Fatal(err)
	}
	page, _, err := resource.NewAuditLog(db).List(context.Background(), resource.AuditFilter{}, 1, "")
	if err != nil || len(page) != 1 || len(page[0].Object) > 10_000 || !strings.Contains(string(page[0].Object), "200000 bytes in all") {
		t.Errorf("%d bytes, %v", len(page[0].Object), err)
	}
	if got, _, _ := c.Get(context.Background(), "ep_1"); got.GetTrafficPolicy() != long {
		t.Error("the document was cut")
	}
}
