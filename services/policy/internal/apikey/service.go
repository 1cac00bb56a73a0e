// Package apikey keeps the keys with which programs and people call the gateway.
// Of a key's token only the SHA-256 is stored.
package apikey

import (
	"context"
	"crypto/subtle"
	"encoding/hex"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/resource"
)

// Service is policyv1.ApiKeyServiceServer.
type Service struct {
	policyv1.UnimplementedApiKeyServiceServer
	keys  *resource.Collection[*policyv1.StoredApiKey]
	cache *cache
}

// NewService returns the service over a collection. The caller tells it of
// changes by Changed.
func NewService(keys *resource.Collection[*policyv1.StoredApiKey], c clock.Clock) *Service {
	return &Service{keys: keys, cache: newCache(c)}
}

// Changed makes the service forget what it knows of a key that changed or was
// revoked, or of all keys when the id is empty.
func (s *Service) Changed(keyID string) { s.cache.forget(keyID) }

// CreateApiKey implements policyv1.ApiKeyServiceServer.
func (s *Service) CreateApiKey(ctx context.Context, req *policyv1.CreateApiKeyRequest) (*policyv1.CreateApiKeyResponse, error) {
	token := newToken()
	sum := digest(token)
	doc := &policyv1.StoredApiKey{
		ApiKey:      &policyv1.ApiKey{Description: req.GetApiKey().GetDescription(), Scope: req.GetApiKey().GetScope()},
		TokenSha256: sum[:],
	}
	keyID := id.APIKey.New()
	doc, meta, err := s.keys.Create(ctx, keyID, doc)
	if err != nil {
		return nil, err
	}
	return &policyv1.CreateApiKeyResponse{ApiKey: complete(keyID, doc, meta), Token: token}, nil
}

// ListApiKeys implements policyv1.ApiKeyServiceServer.
func (s *Service) ListApiKeys(ctx context.Context, req *policyv1.ListApiKeysRequest) (*policyv1.ListApiKeysResponse, error) {
	page, next, err := s.keys.List(ctx, int(req.GetLimit()), req.GetCursor())
	if err != nil {
		return nil, err
	}
	out := &policyv1.ListApiKeysResponse{NextCursor: next}
	for _, e := range page {
		out.ApiKeys = append(out.ApiKeys, complete(e.ID, e.Doc, e.Meta))
	}
	return out, nil
}

// DeleteApiKey implements policyv1.ApiKeyServiceServer.
func (s *Service) DeleteApiKey(ctx context.Context, req *policyv1.DeleteApiKeyRequest) (*policyv1.DeleteApiKeyResponse, error) {
	if err := s.keys.Delete(ctx, req.GetId()); err != nil {
		return nil, err
	}
	s.cache.forget(req.GetId())
	return &policyv1.DeleteApiKeyResponse{}, nil
}

// AuthenticateApiKey implements policyv1.ApiKeyServiceServer.
func (s *Service) AuthenticateApiKey(ctx context.Context, req *policyv1.AuthenticateApiKeyRequest) (*policyv1.AuthenticateApiKeyResponse, error) {
	if err := checkForm(req.GetToken()); err != nil {
		return nil, err
	}
	sum := digest(req.GetToken())
	key, version := s.cache.find(sum)
	if key == nil {
		found, err := s.keys.GetUnique(ctx, hex.EncodeToString(sum[:]))
		if errs.Is(err, errs.ReasonNotFound) {
			return nil, unknown()
		}
		if err != nil {
			return nil, err
		}
		if subtle.ConstantTimeCompare(found.Doc.GetTokenSha256(), sum[:]) != 1 {
			return nil, unknown()
		}
		key = complete(found.ID, found.Doc, found.Meta)
		s.cache.put(sum, key, version)
	}
	return &policyv1.AuthenticateApiKeyResponse{ApiKey: proto.CloneOf(key)}, nil
}

func complete(keyID string, doc *policyv1.StoredApiKey, meta resource.Meta) *policyv1.ApiKey {
	key := proto.CloneOf(doc.GetApiKey())
	key.Id, key.CreatedAt = keyID, timestamppb.New(meta.CreatedAt)
	return key
}
