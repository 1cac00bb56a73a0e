// Package store names the documents of the policy service in Redis.
package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/sealed"
)

// SettingsID is the id of the one document of capture settings.
const SettingsID = "capture"

const replayKeyBytes = 32

// Store is the configuration that the policy service owns.
type Store struct {
	Endpoints *resource.Collection[*policyv1.Endpoint]
	Settings  *resource.Collection[*policyv1.CaptureSettings]
	APIKeys   *resource.Collection[*policyv1.StoredApiKey]
	Vaults    *resource.Collection[*policyv1.Vault]
	Secrets   *resource.Collection[*policyv1.Secret]
	Feed      *resource.Feed
	db        *redisdb.DB
}

// New returns the store in db. It does no I/O. auditEndpoint returns an endpoint
// without secrets; keys seal those of vaults, which cannot be stored without.
func New(db *redisdb.DB, keys *sealed.Ring, auditEndpoint func(*policyv1.Endpoint) *policyv1.Endpoint) *Store {
	return &Store{
		Endpoints: resource.New(db, "endpoint", resource.Options[*policyv1.Endpoint]{
			Unique: func(e *policyv1.Endpoint) []string { return []string{e.GetUrl()} },
			Redact: auditEndpoint,
		}),
		Settings: resource.New(db, "capture_settings", resource.Options[*policyv1.CaptureSettings]{}),
		APIKeys: resource.New(db, "api_key", resource.Options[*policyv1.StoredApiKey]{
			Unique: func(k *policyv1.StoredApiKey) []string { return []string{hex.EncodeToString(k.GetTokenSha256())} },
		}),
		Vaults: resource.New(db, vaultKind, resource.Options[*policyv1.Vault]{
			Unique: func(v *policyv1.Vault) []string { return []string{v.GetName()} },
		}),
		Secrets: resource.New(db, "secret", resource.Options[*policyv1.Secret]{
			Unique: func(s *policyv1.Secret) []string { return []string{nameInVault(s.GetVaultId(), s.GetName())} },
			Parent: (*policyv1.Secret).GetVaultId, ParentKind: vaultKind,
			Seal: keys,
		}),
		Feed: resource.NewFeed(db),
		db:   db,
	}
}

const vaultKind resource.Kind = "vault"

func nameInVault(vaultID, name string) string { return vaultID + "/" + name }

// HasVault reports whether there is a vault with a name.
func (s *Store) HasVault(ctx context.Context, name string) (bool, error) {
	_, err := s.Vaults.GetUnique(ctx, name)
	return found(err)
}

// HasSecret reports whether there is a secret with a name in the vault with a name.
func (s *Store) HasSecret(ctx context.Context, vault, name string) (bool, error) {
	in, err := s.Vaults.GetUnique(ctx, vault)
	if err != nil {
		return found(err)
	}
	_, err = s.Secrets.Closed().GetUnique(ctx, nameInVault(in.ID, name))
	return found(err)
}

func found(err error) (bool, error) {
	if errs.Is(err, errs.ReasonNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ReplayKey returns the key that marks replayed requests. It is made once, by
// whoever asks first.
func (s *Store) ReplayKey(ctx context.Context) ([]byte, error) {
	fresh := make([]byte, replayKeyBytes)
	rand.Read(fresh) // never fails, see its documentation
	name := s.db.Key("replay_key")
	tx := s.db.TxPipeline()
	tx.SetNX(ctx, name, fresh, 0)
	stored := tx.Get(ctx, name)
	if _, err := tx.Exec(ctx); err != nil {
		return nil, errs.Unavailable("the configuration store does not answer; try again").Because(err)
	}
	key, err := stored.Bytes()
	if err == nil && len(key) != replayKeyBytes {
		err = fmt.Errorf("the replay key has %d bytes instead of %d", len(key), replayKeyBytes)
	}
	return key, err
}

// EndpointIDs returns the ids of all endpoints.
func (s *Store) EndpointIDs(ctx context.Context) ([]string, error) {
	entries, _, err := s.Endpoints.All(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return ids, nil
}
