// Package auth tells who presents a token. It keeps no keys: the policy service
// does, and is asked each time, so that a revoked key is refused at once.
package auth

import (
	"context"
	"crypto/subtle"
	"fmt"
	"os"
	"strings"

	"google.golang.org/grpc/codes"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/gateway/internal/api"
	"sluice.dev/platform/errs"
)

// Keys checks tokens.
type Keys struct {
	client    policyv1.ApiKeyServiceClient
	bootstrap string
}

// NewKeys returns a checker. bootstrap, if not empty, is a token that counts as
// an admin's until the first API key of scope admin exists: from then on it is
// refused, so that forgetting to remove it costs nothing.
func NewKeys(client policyv1.ApiKeyServiceClient, bootstrap string) *Keys {
	return &Keys{client: client, bootstrap: bootstrap}
}

// ReadBootstrap reads a bootstrap token of at least 16 characters from a file;
// an empty path gives none.
func ReadBootstrap(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the bootstrap key: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if len(token) < 16 {
		return "", fmt.Errorf("the bootstrap key in %s has %d characters; use at least 16", path, len(token))
	}
	return token, nil
}

// Caller tells whose token it is. authorization is the value of the header of
// that name, such as "Bearer TOKEN".
func (k *Keys) Caller(ctx context.Context, authorization string) (api.Caller, error) {
	token, err := bearer(authorization)
	if err != nil {
		return api.Caller{}, err
	}
	if k.bootstrap != "" && subtle.ConstantTimeCompare([]byte(token), []byte(k.bootstrap)) == 1 {
		return k.bootstrapCaller(ctx)
	}
	answer, err := k.client.AuthenticateApiKey(ctx, &policyv1.AuthenticateApiKeyRequest{Token: token})
	if err != nil {
		return api.Caller{}, fmt.Errorf("check the API key: %w", err)
	}
	return api.Caller{Principal: answer.GetApiKey().GetId(), Scope: answer.GetApiKey().GetScope()}, nil
}

func (k *Keys) bootstrapCaller(ctx context.Context) (api.Caller, error) {
	exists, err := k.AdminExists(ctx)
	switch {
	case err != nil:
		return api.Caller{}, err
	case exists:
		return api.Caller{}, errs.New(codes.Unauthenticated, errs.ReasonBadKey, "the bootstrap key is no longer accepted: an API key with scope admin exists; use that")
	}
	return api.Caller{Principal: "bootstrap", Scope: policyv1.Scope_SCOPE_ADMIN}, nil
}

// AdminExists tells whether anybody can manage keys.
func (k *Keys) AdminExists(ctx context.Context) (bool, error) {
	for cursor := ""; ; {
		page, err := k.client.ListApiKeys(ctx, &policyv1.ListApiKeysRequest{Limit: 1000, Cursor: cursor})
		if err != nil {
			return false, fmt.Errorf("list the API keys: %w", err)
		}
		for _, key := range page.GetApiKeys() {
			if key.GetScope() >= policyv1.Scope_SCOPE_ADMIN {
				return true, nil
			}
		}
		if cursor = page.GetNextCursor(); cursor == "" {
			return false, nil
		}
	}
}

func bearer(authorization string) (string, error) {
	if authorization == "" {
		return "", errs.New(codes.Unauthenticated, errs.ReasonNoKey, "an API key is needed: send the header \"authorization: Bearer TOKEN\"")
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "bearer") || token == "" {
		return "", errs.New(codes.Unauthenticated, errs.ReasonNoKey, "the authorization header must be \"Bearer TOKEN\"")
	}
	return token, nil
}
