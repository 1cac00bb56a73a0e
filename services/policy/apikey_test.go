package policy_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/testenv"
)

func (r *replica) keys() policyv1.ApiKeyServiceClient { return policyv1.NewApiKeyServiceClient(r) }

func (r *replica) authenticate(t testing.TB, token string) (*policyv1.ApiKey, error) {
	t.Helper()
	got, err := r.keys().AuthenticateApiKey(within(t), &policyv1.AuthenticateApiKeyRequest{Token: token})
	return got.GetApiKey(), err
}

func TestAPIKeyWorksUntilRevokedOnAnyReplica(t *testing.T) {
	url := testenv.SharedRedis(t).URL()
	one, other := ready(t, url), ready(t, url)
	made, err := one.keys().CreateApiKey(within(t), &policyv1.CreateApiKeyRequest{ApiKey: &policyv1.ApiKey{Description: "ci", Scope: policyv1.Scope_SCOPE_WRITE}})
	if err != nil || !strings.HasPrefix(made.Token, "sk_") || len(made.Token) != 46 || !id.APIKey.Valid(made.ApiKey.Id) || made.ApiKey.CreatedAt == nil {
		t.Fatalf("got %v, %v", made, err)
	}
	for range 2 { // from the store, then from memory
		got, err := other.authenticate(t, made.Token)
		if err != nil || got.Id != made.ApiKey.Id || got.Scope != policyv1.Scope_SCOPE_WRITE || got.Description != "ci" {
			t.Fatalf("got %v, %v", got, err)
		}
	}

	if _, err := one.keys().DeleteApiKey(within(t), &policyv1.DeleteApiKeyRequest{Id: made.ApiKey.Id}); err != nil {
		t.Fatal(err)
	}
	if _, err := one.authenticate(t, made.Token); !errs.Is(err, errs.ReasonBadKey) {
		t.Errorf("the replica that revoked it: %v", err)
	}
	testenv.Eventually(t, 2*time.Second, func() bool {
		_, err := other.authenticate(t, made.Token)
		return errs.Is(err, errs.ReasonBadKey)
	}, "the other replica refuses the key")
}

func TestUnknownTokens(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	for token, reason := range map[string]errs.Reason{
		"":                                      errs.ReasonNoKey,
		"hunter2":                               errs.ReasonBadKey,
		id.APIKey.New():                         errs.ReasonBadKey,
		"sk_" + strings.Repeat("A", 43):         errs.ReasonBadKey,
		"sk_" + strings.Repeat("A", 43) + "AAA": errs.ReasonBadKey,
	} {
		_, err := r.authenticate(t, token)
		if e := errs.As(err); e == nil || e.Code != codes.Unauthenticated || e.Reason != reason {
			t.Errorf("token %q: %v", token, err)
		}
		if token != "" && err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
}

func TestTokensAreNotKept(t *testing.T) {
	url := testenv.SharedRedis(t).URL()
	r := ready(t, url)
	made, err := r.keys().CreateApiKey(within(t), &policyv1.CreateApiKeyRequest{ApiKey: &policyv1.ApiKey{Scope: policyv1.Scope_SCOPE_READ}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := r.keys().ListApiKeys(within(t), &policyv1.ListApiKeysRequest{})
	if err != nil || len(list.ApiKeys) != 1 || list.ApiKeys[0].Id != made.ApiKey.Id {
		t.Errorf("got %v, %v", list, err)
	}
	db, err := redisdb.Open(redisdb.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := within(t)
	for _, key := range []string{db.Key("docs", "api_key"), db.Key("changes"), db.Key("audit")} {
		if raw, err := db.Dump(ctx, key).Result(); err != nil || strings.Contains(raw, made.Token) {
			t.Errorf("%s holds the token (%v)", key, err)
		}
	}
	audit, _, err := resource.NewAuditLog(db).List(ctx, resource.AuditFilter{Type: "api_key_created.v0"}, 1, "")
	if err != nil || len(audit) != 1 || strings.Contains(string(audit[0].Object), "token") {
		t.Errorf("audit %s, %v", audit[0].Object, err)
	}
}

func TestScopeIsRequired(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	if _, err := r.keys().CreateApiKey(within(t), &policyv1.CreateApiKeyRequest{ApiKey: &policyv1.ApiKey{}}); !errs.Is(err, errs.ReasonInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestKnownKeysOutliveAShortOutage(t *testing.T) {
	server := testenv.Redis(t)
	r := ready(t, server.URL())
	made, err := r.keys().CreateApiKey(within(t), &policyv1.CreateApiKeyRequest{ApiKey: &policyv1.ApiKey{Scope: policyv1.Scope_SCOPE_READ}})
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 10*time.Second, func() bool { // its creation has come by the feed
		_, _ = r.authenticate(t, made.Token)
		got, err := policyv1.NewDistributionServiceClient(r).Watch(within(t), &policyv1.WatchRequest{})
		if err != nil {
			return false
		}
		m, err := got.Recv()
		return err == nil && m.GetSnapshot().GetRevision() > 0
	}, "the service knows the key")
	if _, err := r.authenticate(t, made.Token); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	testenv.Eventually(t, 10*time.Second, func() bool { return r.service.Ready() != nil }, "the service notices")
	if _, err := r.authenticate(t, made.Token); err != nil {
		t.Errorf("a key known a moment ago is refused: %v", err)
	}
}
