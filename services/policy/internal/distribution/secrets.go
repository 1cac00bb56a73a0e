package distribution

import (
	"cmp"
	"context"
	"slices"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/resource"
	"sluice.dev/services/policy/internal/store"
)

// mendPause is how often secrets that could not be opened are tried again: the
// key file may have been mended.
const mendPause = 5 * time.Second

// vaults is the copy of vaults and secrets from which proxies' secrets are made.
// It belongs to the goroutine that follows the store.
type vaults struct {
	names   map[string]string           // of vaults, by id
	secrets map[string]*policyv1.Secret // by id, with values
}

// readVaults reads everything. With a fault, secrets are missing; the rest can be
// used without them.
func readVaults(ctx context.Context, s *store.Store) (v vaults, fault, err error) {
	v = vaults{names: map[string]string{}, secrets: map[string]*policyv1.Secret{}}
	all, _, err := s.Vaults.All(ctx)
	if err != nil {
		return v, nil, err
	}
	for _, e := range all {
		v.names[e.ID] = e.Doc.GetName()
	}
	secrets, _, err := s.Secrets.All(ctx)
	switch {
	case errs.Is(err, errs.ReasonUnavailable) || ctx.Err() != nil:
		return v, nil, err
	case err != nil:
		return v, err, nil // they are there and cannot be opened
	}
	for _, e := range secrets {
		v.secrets[e.ID] = e.Doc
	}
	return v, nil, nil
}

// values are the secrets of one vault as proxies get them; of all with "".
func (v vaults) values(vaultID string) []*policyv1.SecretValue {
	var out []*policyv1.SecretValue
	for id, s := range v.secrets {
		if vaultID == "" || s.GetVaultId() == vaultID {
			out = append(out, v.value(id, s))
		}
	}
	slices.SortFunc(out, func(a, b *policyv1.SecretValue) int { return cmp.Compare(a.GetId(), b.GetId()) })
	return out
}

func (v vaults) value(id string, s *policyv1.Secret) *policyv1.SecretValue {
	return &policyv1.SecretValue{Id: id, Vault: v.names[s.GetVaultId()], Name: s.GetName(), Value: s.GetValue()}
}

// apply takes a change over and notes in d what proxies have to know of it.
func (v vaults) apply(s *store.Store, r resource.Record, d *policyv1.Delta) error {
	vault, isVault, err := s.Vaults.Change(r)
	if err != nil {
		return err
	}
	if isVault && vault.Deleted {
		delete(v.names, vault.ID) // it was empty
	} else if isVault && v.names[vault.ID] != vault.Doc.GetName() {
		v.names[vault.ID] = vault.Doc.GetName()
		d.ChangedSecrets = v.values(vault.ID)
	}
	secret, isSecret, err := s.Secrets.Change(r)
	if err != nil {
		return err
	}
	if isSecret && secret.Deleted {
		delete(v.secrets, secret.ID)
		d.DeletedSecretIds = []string{secret.ID}
	} else if isSecret {
		v.secrets[secret.ID] = secret.Doc
		d.ChangedSecrets = []*policyv1.SecretValue{v.value(secret.ID, secret.Doc)}
	}
	return nil
}

// mend calls again when secrets could not be opened and now can.
func (h *Hub) mend(ctx context.Context, again func()) {
	tick := time.NewTicker(mendPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !h.sealed.Load() {
			continue
		}
		if _, fault, err := readVaults(ctx, h.store); fault == nil && err == nil {
			again()
			return
		}
	}
}
