package resource_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/sealed"
)

type destinations = resource.Collection[*eventsv1.EventDestination]

func sealing(db *redisdb.DB, s resource.Sealer) *destinations {
	return resource.New(db, "event_destination", resource.Options[*eventsv1.EventDestination]{Seal: s})
}

func newRing(t testing.TB) (*sealed.Ring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.key")
	if err := sealed.Create(path); err != nil {
		t.Fatal(err)
	}
	r, err := sealed.Config{SecretsKeyFile: path}.Open()
	if err != nil {
		t.Fatal(err)
	}
	return r, path
}

func hook(secret string) *eventsv1.EventDestination {
	return &eventsv1.EventDestination{Target: &eventsv1.EventDestination_Webhook{Webhook: &eventsv1.WebhookTarget{
		Url: "https://h", Secret: secret, Headers: map[string]string{"x-key": secret + "-of-header", "x-none": ""},
	}}}
}

// everything in Redis as one text.
func dump(t testing.TB, db *redisdb.DB) string {
	t.Helper()
	ctx := context.Background()
	var b strings.Builder
	for _, key := range db.Keys(ctx, "*").Val() {
		raw, err := db.Dump(ctx, key).Result()
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(raw)
		for id, v := range db.HGetAll(ctx, key).Val() { // DUMP compresses
			b.WriteString(id + v)
		}
		for _, m := range db.XRange(ctx, key, "-", "+").Val() {
			for name, v := range m.Values {
				b.WriteString(name + v.(string))
			}
		}
	}
	return b.String()
}

func TestSecretsAreSealedInRedis(t *testing.T) {
	_, db := shared(t)
	ring, _ := newRing(t)
	c, ctx := sealing(db, ring), context.Background()
	want := hook("hunter2")
	got, meta, err := c.Create(ctx, "ed_1", want)
	if err != nil || !proto.Equal(got, hook("hunter2")) {
		t.Fatalf("%v %v", got, err)
	}
	if text := dump(t, db); strings.Contains(text, "hunter2") || !strings.Contains(text, "https://h") {
		t.Errorf("in Redis: %q", text)
	}
	got, again, err := c.Get(ctx, "ed_1")
	if err != nil || !proto.Equal(got, want) || again != meta {
		t.Errorf("Get: %v %v", got, err)
	}
	if page, _, err := c.List(ctx, 0, ""); err != nil || !proto.Equal(page[0].Doc, want) {
		t.Errorf("List: %v %v", page, err)
	}
	if _, same, err := c.Update(ctx, "ed_1", func(d *eventsv1.EventDestination) (*eventsv1.EventDestination, error) { return d, nil }); err != nil || same != meta {
		t.Errorf("an update that changes nothing: %v %v", same, err)
	}
	for change, err := range c.Watch(ctx, meta.Revision-1) {
		if err != nil || !proto.Equal(change.Doc, want) {
			t.Errorf("Watch: %v %v", change.Doc, err)
		}
		break
	}
	closed, _, err := sealing(db, nil).Closed().Get(ctx, "ed_1")
	if hook := closed.GetWebhook(); err != nil || hook.GetUrl() != "https://h" || hook.GetSecret() == "" || strings.Contains(closed.String(), "hunter2") || hook.GetHeaders()["x-none"] != "" {
		t.Errorf("closed: %v %v", closed, err)
	}
}

func TestWithoutTheKey(t *testing.T) {
	_, db := shared(t)
	ring, _ := newRing(t)
	ctx := context.Background()
	if _, _, err := sealing(db, ring).Create(ctx, "ed_1", hook("hunter2")); err != nil {
		t.Fatal(err)
	}
	other, _ := newRing(t)
	for name, s := range map[string]resource.Sealer{"another key": other, "no keys": (*sealed.Ring)(nil), "no sealer": nil} {
		c := sealing(db, s)
		if _, _, err := c.Get(ctx, "ed_1"); !errs.Is(err, sealed.ReasonNoKey) {
			t.Errorf("%s: Get: %v", name, err)
		}
		if _, _, err := c.All(ctx); !errs.Is(err, sealed.ReasonNoKey) {
			t.Errorf("%s: All: %v", name, err)
		}
		if _, err := c.Reseal(ctx); !errs.Is(err, sealed.ReasonNoKey) {
			t.Errorf("%s: Reseal: %v", name, err)
		}
	}
	if _, _, err := sealing(db, (*sealed.Ring)(nil)).Create(ctx, "ed_2", hook("x")); !errs.Is(err, sealed.ReasonNoKey) {
		t.Errorf("stored without a key: %v", err)
	}
	if err := sealing(db, other).Delete(ctx, "ed_1"); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

func TestASealedTextCountsOnlyInItsPlace(t *testing.T) {
	_, db := shared(t)
	ring, _ := newRing(t)
	c, ctx := sealing(db, ring), context.Background()
	for _, id := range []string{"ed_1", "ed_2"} {
		if _, _, err := c.Create(ctx, id, hook(id)); err != nil {
			t.Fatal(err)
		}
	}
	key := db.Key("docs", "event_destination")
	if err := db.HSet(ctx, key, "ed_2", db.HGet(ctx, key, "ed_1").Val()).Err(); err != nil {
		t.Fatal(err)
	}
	if got, _, err := c.Get(ctx, "ed_2"); err == nil {
		t.Errorf("opened another's secret: %v", got)
	}
}

func TestReseal(t *testing.T) {
	_, db := shared(t)
	ctx := context.Background()
	if _, _, err := sealing(db, nil).Create(ctx, "ed_clear", hook("in-clear")); err != nil {
		t.Fatal(err)
	}
	ring, path := newRing(t)
	c := sealing(db, ring)
	if _, _, err := c.Create(ctx, "ed_plain", &eventsv1.EventDestination{Description: "no secret"}); err != nil {
		t.Fatal(err)
	}
	_, meta, err := c.Create(ctx, "ed_1", hook("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	reseal := func(want int) {
		t.Helper()
		if n, err := c.Reseal(ctx); err != nil || n != want {
			t.Errorf("resealed %d, %v; want %d", n, err, want)
		}
	}
	reseal(1) // the one in clear
	reseal(0)
	_, err = sealed.AddKey(path)
	if err != nil {
		t.Fatal(err)
	}
	reseal(2)
	reseal(0)
	got, after, err := c.Get(ctx, "ed_1")
	if err != nil || !proto.Equal(got, hook("hunter2")) || after != meta {
		t.Errorf("%v %+v %v", got, after, err)
	}
	if got, _, err := c.Get(ctx, "ed_clear"); err != nil || !proto.Equal(got, hook("in-clear")) {
		t.Errorf("%v %v", got, err)
	}
}

func TestParents(t *testing.T) {
	_, db := shared(t)
	ctx := context.Background()
	vaults := resource.New(db, "vault", resource.Options[*policyv1.Vault]{})
	secrets := resource.New(db, "secret", resource.Options[*policyv1.Secret]{
		Parent: func(s *policyv1.Secret) string { return s.GetVaultId() }, ParentKind: "vault",
	})
	secret := &policyv1.Secret{VaultId: "vault_1"}
	if _, _, err := secrets.Create(ctx, "secret_1", secret); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("without its parent: %v", err)
	}
	if _, _, err := vaults.Create(ctx, "vault_1", &policyv1.Vault{}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"secret_1", "secret_2"} {
		if _, _, err := secrets.Create(ctx, id, secret); err != nil {
			t.Fatal(err)
		}
		if err := vaults.Delete(ctx, "vault_1"); !errs.Is(err, errs.ReasonPrecondition) {
			t.Errorf("Delete of a parent: %v", err)
		}
	}
	for _, id := range []string{"secret_1", "secret_2"} {
		if err := vaults.Delete(ctx, "vault_1"); !errs.Is(err, errs.ReasonPrecondition) {
			t.Errorf("Delete of a parent: %v", err)
		}
		if err := secrets.Delete(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := secrets.Delete(ctx, "secret_1"); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("second Delete: %v", err)
	}
	if err := vaults.Delete(ctx, "vault_1"); err != nil {
		t.Errorf("Delete without children: %v", err)
	}
}
