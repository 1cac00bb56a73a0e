package policy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/sealed"
	"sluice.dev/platform/testenv"
	"sluice.dev/services/policy"
)

const planted = "planted-c5d1f0e2"

func keyFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.key")
	if err := sealed.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func withKeys(path string) func(*policy.Config) {
	return func(c *policy.Config) { c.Secrets.SecretsKeyFile = path }
}

func (r *replica) vaults() policyv1.VaultServiceClient { return policyv1.NewVaultServiceClient(r) }

func (r *replica) vault(t testing.TB, name string) *policyv1.Vault {
	t.Helper()
	res, err := r.vaults().CreateVault(within(t), &policyv1.CreateVaultRequest{Vault: &policyv1.Vault{Name: name}})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetVault()
}

func (r *replica) secret(t testing.TB, in *policyv1.Vault, name, value string) *policyv1.Secret {
	t.Helper()
	res, err := r.vaults().CreateSecret(within(t), &policyv1.CreateSecretRequest{Secret: &policyv1.Secret{VaultId: in.GetId(), Name: name, Value: value}})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetSecret()
}

func TestVaultsAndSecrets(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL(), withKeys(keyFile(t)))
	c := r.vaults()
	v := r.vault(t, "my-vault/eu.1")
	s := r.secret(t, v, "api/key_1.x-y", planted)
	if !id.Vault.Valid(v.GetId()) || !id.Secret.Valid(s.GetId()) || s.GetVaultId() != v.GetId() || s.GetValue() != "" || s.GetRevision() == 0 || s.GetCreatedAt() == nil {
		t.Fatalf("%v %v", v, s)
	}
	got, err := c.GetSecret(within(t), &policyv1.GetSecretRequest{Id: s.GetId()})
	if err != nil || got.GetSecret().GetName() != "api/key_1.x-y" || got.GetSecret().GetValue() != "" {
		t.Errorf("%v %v", got, err)
	}
	update := func(change *policyv1.Secret, paths ...string) (*policyv1.Secret, error) {
		change.Id = s.GetId()
		res, err := c.UpdateSecret(within(t), &policyv1.UpdateSecretRequest{Secret: change, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		return res.GetSecret(), err
	}
	if u, err := update(&policyv1.Secret{Description: "d"}, "description", "value"); err != nil || u.GetDescription() != "d" || u.GetValue() != "" {
		t.Errorf("%v %v", u, err)
	}
	other := r.vault(t, "other")
	if _, err := update(&policyv1.Secret{VaultId: other.GetId()}, "vault_id"); !errs.Is(err, errs.ReasonInvalid) {
		t.Errorf("moved: %v", err)
	}
	r.secret(t, other, "api/key_1.x-y", "the same name in another vault")

	page, err := c.ListSecrets(within(t), &policyv1.ListSecretsRequest{VaultId: v.GetId()})
	if err != nil || len(page.GetSecrets()) != 1 || page.GetSecrets()[0].GetId() != s.GetId() || strings.Contains(page.String(), planted) {
		t.Errorf("%v %v", page, err)
	}
	if list, err := c.ListVaults(within(t), &policyv1.ListVaultsRequest{}); err != nil || len(list.GetVaults()) != 2 {
		t.Errorf("%v %v", list, err)
	}
	if _, err := c.DeleteVault(within(t), &policyv1.DeleteVaultRequest{Id: v.GetId()}); !errs.Is(err, errs.ReasonPrecondition) {
		t.Errorf("a vault with a secret was deleted: %v", err)
	}
	if _, err := c.DeleteSecret(within(t), &policyv1.DeleteSecretRequest{Id: s.GetId()}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteVault(within(t), &policyv1.DeleteVaultRequest{Id: v.GetId()}); err != nil {
		t.Error(err)
	}
	r.noTrace(t)
}

// noTrace looks for the planted value in what Redis and the audit log hold.
func (r *replica) noTrace(t testing.TB) {
	t.Helper()
	db, err := redisdb.Open(redisdb.Config{URL: r.redis})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := within(t)
	var types []string
	page, _, err := resource.NewAuditLog(db).List(ctx, resource.AuditFilter{}, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page {
		types = append(types, e.Type)
		if strings.Contains(string(e.Object), planted) {
			t.Errorf("audited: %s", e.Object)
		}
	}
	for _, want := range []string{"vault_created.v0", "vault_deleted.v0", "secret_created.v0", "secret_updated.v0", "secret_deleted.v0"} {
		if !slices.Contains(types, want) {
			t.Errorf("no audit record %s in %v", want, types)
		}
	}
	for _, key := range db.Keys(ctx, "*").Val() {
		stored := fmt.Sprint(db.HGetAll(ctx, key).Val(), db.XRange(ctx, key, "-", "+").Val(), db.Get(ctx, key).Val())
		if strings.Contains(stored, planted) {
			t.Errorf("%s holds the value in clear", key)
		}
	}
}

func TestWrongVaultsAndSecrets(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL(), withKeys(keyFile(t)))
	c := r.vaults()
	v := r.vault(t, "v")
	r.secret(t, v, "taken", "x")
	for name, tt := range map[string]struct {
		vault  *policyv1.Vault
		secret *policyv1.Secret
		code   codes.Code
		field  string
	}{
		"no name":        {vault: &policyv1.Vault{}, code: codes.InvalidArgument, field: "name"},
		"space":          {vault: &policyv1.Vault{Name: "a b"}, code: codes.InvalidArgument, field: "name"},
		"vault taken":    {vault: &policyv1.Vault{Name: "v"}, code: codes.AlreadyExists, field: "name"},
		"secret taken":   {secret: &policyv1.Secret{VaultId: v.GetId(), Name: "taken", Value: "x"}, code: codes.AlreadyExists, field: "name"},
		"no value":       {secret: &policyv1.Secret{VaultId: v.GetId(), Name: "a"}, code: codes.InvalidArgument, field: "value"},
		"quote":          {secret: &policyv1.Secret{VaultId: v.GetId(), Name: "a'b", Value: "x"}, code: codes.InvalidArgument, field: "name"},
		"no vault":       {secret: &policyv1.Secret{Name: "a", Value: "x"}, code: codes.InvalidArgument, field: "vault_id"},
		"unknown vault":  {secret: &policyv1.Secret{VaultId: id.Vault.New(), Name: "a", Value: "x"}, code: codes.NotFound},
		"value too long": {secret: &policyv1.Secret{VaultId: v.GetId(), Name: "a", Value: strings.Repeat("x", 16385)}, code: codes.InvalidArgument, field: "secret.value"},
	} {
		var err error
		if tt.vault != nil {
			_, err = c.CreateVault(within(t), &policyv1.CreateVaultRequest{Vault: tt.vault})
		} else {
			_, err = c.CreateSecret(within(t), &policyv1.CreateSecretRequest{Secret: tt.secret})
		}
		e := errs.As(errs.FromGRPC(err))
		if e == nil || e.Code != tt.code || tt.field != "" && (len(e.Violations) == 0 || e.Violations[0].Field != tt.field) {
			t.Errorf("%s: %+v", name, e)
		}
		if e != nil && strings.Contains(fmt.Sprint(e, e.Violations), "xxxxx") {
			t.Errorf("%s: the error tells the value", name)
		}
	}
}

func TestSecretsReachProxies(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL(), withKeys(keyFile(t)))
	v := r.vault(t, "v")
	w := r.watch(t)
	w.next()
	s := r.secret(t, v, "a", "one")
	values := func(list []*policyv1.SecretValue) string {
		var out []string
		for _, x := range list {
			out = append(out, x.GetVault()+"/"+x.GetName()+"="+x.GetValue())
		}
		return strings.Join(out, " ")
	}
	next := func(want string) {
		t.Helper()
		for d := w.next().GetDelta(); ; d = w.next().GetDelta() {
			if len(d.GetChangedSecrets()) == 0 {
				continue // of the vault, as it was made
			}
			if got := values(d.GetChangedSecrets()); got != want || d.GetChangedSecrets()[0].GetId() != s.GetId() {
				t.Errorf("got %s, want %s", got, want)
			}
			return
		}
	}
	next("v/a=one")
	if _, err := r.vaults().UpdateSecret(within(t), &policyv1.UpdateSecretRequest{Secret: &policyv1.Secret{Id: s.GetId(), Value: "two"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"value"}}}); err != nil {
		t.Fatal(err)
	}
	next("v/a=two")
	if _, err := r.vaults().UpdateVault(within(t), &policyv1.UpdateVaultRequest{Vault: &policyv1.Vault{Id: v.GetId(), Name: "w"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}}); err != nil {
		t.Fatal(err)
	}
	next("w/a=two")
	if snap := r.watch(t).next().GetSnapshot(); values(snap.GetSecrets()) != "w/a=two" || snap.GetSecretsUnavailable() != "" {
		t.Errorf("snapshot %v", snap)
	}
	if _, err := r.vaults().DeleteSecret(within(t), &policyv1.DeleteSecretRequest{Id: s.GetId()}); err != nil {
		t.Fatal(err)
	}
	if d := w.next().GetDelta(); len(d.GetDeletedSecretIds()) != 1 || d.GetDeletedSecretIds()[0] != s.GetId() {
		t.Errorf("%v", d)
	}
}

func TestKeysOfSecrets(t *testing.T) {
	redis := testenv.SharedRedis(t).URL()
	keys := keyFile(t)
	first := ready(t, redis, withKeys(keys))
	v := first.vault(t, "v")
	first.secret(t, v, "a", "one")
	if _, err := sealed.AddKey(keys); err != nil {
		t.Fatal(err)
	}
	reencrypt := func(want int32) {
		t.Helper()
		if res, err := first.vaults().ReencryptSecrets(within(t), &policyv1.ReencryptSecretsRequest{}); err != nil || res.GetReencrypted() != want {
			t.Errorf("%v %v, want %d", res, err, want)
		}
	}
	reencrypt(1)
	reencrypt(0)
	good, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	newest, _, _ := strings.Cut(string(good), "\n")
	if err := os.WriteFile(keys, []byte(newest), 0o600); err != nil { // the old key is not needed any more
		t.Fatal(err)
	}
	if snap := ready(t, redis, withKeys(keys)).watch(t).next().GetSnapshot(); len(snap.GetSecrets()) != 1 {
		t.Errorf("%v", snap)
	}

	other := keyFile(t)
	lost := ready(t, redis, withKeys(other))
	w := lost.watch(t)
	if snap := w.next().GetSnapshot(); len(snap.GetSecrets()) != 0 || snap.GetSecretsUnavailable() == "" {
		t.Errorf("without the key: %v", snap)
	}
	lost.create(t, &policyv1.Endpoint{Url: "a.example", Upstream: upstream("1")}) // the rest works
	if d := w.next().GetDelta(); len(d.GetChanged()) != 1 {
		t.Errorf("%v", d)
	}
	if err := os.WriteFile(other, []byte(newest), 0o600); err != nil { // mended
		t.Fatal(err)
	}
	if snap := w.next().GetSnapshot(); len(snap.GetSecrets()) != 1 || snap.GetSecretsUnavailable() != "" {
		t.Errorf("with the key again: %v", snap)
	}

	none := ready(t, redis)
	if _, err := none.vaults().CreateSecret(within(t), &policyv1.CreateSecretRequest{Secret: &policyv1.Secret{VaultId: v.GetId(), Name: "b", Value: "x"}}); !errs.Is(err, sealed.ReasonNoKey) {
		t.Errorf("stored without any key: %v", err)
	}
	if list, err := none.vaults().ListSecrets(within(t), &policyv1.ListSecretsRequest{}); err != nil || len(list.GetSecrets()) != 1 {
		t.Errorf("listed without any key: %v %v", list, err)
	}
}

func TestPoliciesThatReadUnknownSecrets(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL(), withKeys(keyFile(t)))
	r.secret(t, r.vault(t, "v"), "known", "x")
	text := `on_http_request:
  - actions:
      - type: add-headers
        config:
          headers:
            a: ${secrets.get('v', 'known')}
            b: "${secrets.get('v', 'unknown')}"
            c: |-
              first
              ${secrets.get("none", "x")} ${secrets.get('v', 'kn' + 'own')}
`
	check := func(what string, problems []*policyv1.PolicyProblem) {
		t.Helper()
		var got []string
		for _, p := range problems {
			got = append(got, fmt.Sprintf("%d:%d %s %s", p.GetLine(), p.GetColumn(), p.GetPath(), p.GetMessage()))
			if p.GetSeverity() != policyv1.PolicyProblem_SEVERITY_WARNING || p.GetCode() == "" {
				t.Errorf("%s: %v", what, p)
			}
		}
		want := []string{
			`7:19 on_http_request[0].actions[0].config.headers.b there is no secret "unknown" in the vault "v"`,
			`10:17 on_http_request[0].actions[0].config.headers.c there is no vault "none"`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	res, err := policyv1.NewTrafficPolicyServiceClient(r).ValidatePolicy(within(t), &policyv1.ValidatePolicyRequest{TrafficPolicy: text})
	if err != nil || !res.GetValid() {
		t.Fatalf("%v %v", res, err)
	}
	check("validated", res.GetProblems())
	check("stored", r.create(t, &policyv1.Endpoint{Url: "a.example", Upstream: upstream("1"), TrafficPolicy: text}).GetPolicyWarnings())
	list, err := r.endpoints().ListEndpoints(within(t), &policyv1.ListEndpointsRequest{})
	if err != nil || len(list.GetEndpoints()) != 1 || len(list.GetEndpoints()[0].GetPolicyWarnings()) != 0 {
		t.Errorf("%v %v", list, err)
	}
}
