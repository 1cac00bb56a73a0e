package vault

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/resource"
	"sluice.dev/services/policy/internal/mask"
)

var secretFields = mask.Fields{
	Mutable: []protoreflect.Name{"name", "description", "metadata", "value"},
	Server:  []protoreflect.Name{"id", "vault_id", "created_at", "updated_at", "revision"},
}

const nameTaken = "the vault has a secret with this name"

// CreateSecret implements policyv1.VaultServiceServer.
func (s *Service) CreateSecret(ctx context.Context, req *policyv1.CreateSecretRequest) (*policyv1.CreateSecretResponse, error) {
	doc := proto.CloneOf(req.GetSecret())
	if doc.GetVaultId() == "" {
		return nil, errs.InvalidField("vault_id", "is empty; name the vault to put the secret into")
	}
	if err := prepareSecret(doc); err != nil {
		return nil, err
	}
	newID := id.Secret.New()
	doc, meta, err := s.secrets.Create(ctx, newID, doc)
	if err != nil {
		return nil, taken(err, nameTaken)
	}
	return &policyv1.CreateSecretResponse{Secret: completeSecret(newID, doc, meta)}, nil
}

// GetSecret implements policyv1.VaultServiceServer.
func (s *Service) GetSecret(ctx context.Context, req *policyv1.GetSecretRequest) (*policyv1.GetSecretResponse, error) {
	doc, meta, err := s.secrets.Closed().Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &policyv1.GetSecretResponse{Secret: completeSecret(req.GetId(), doc, meta)}, nil
}

// ListSecrets implements policyv1.VaultServiceServer.
func (s *Service) ListSecrets(ctx context.Context, req *policyv1.ListSecretsRequest) (*policyv1.ListSecretsResponse, error) {
	page, next, err := s.secrets.Closed().List(ctx, int(req.GetLimit()), req.GetCursor())
	if err != nil {
		return nil, err
	}
	out := &policyv1.ListSecretsResponse{NextCursor: next}
	for _, e := range page {
		if req.GetVaultId() == "" || req.GetVaultId() == e.Doc.GetVaultId() {
			out.Secrets = append(out.Secrets, completeSecret(e.ID, e.Doc, e.Meta))
		}
	}
	return out, nil
}

// UpdateSecret implements policyv1.VaultServiceServer. A blank value stays what it
// is: answers show it blank.
func (s *Service) UpdateSecret(ctx context.Context, req *policyv1.UpdateSecretRequest) (*policyv1.UpdateSecretResponse, error) {
	secretID := req.GetSecret().GetId()
	if secretID == "" {
		return nil, errs.InvalidField("id", "is empty; name the secret to change")
	}
	doc, meta, err := s.secrets.Update(ctx, secretID, func(stored *policyv1.Secret) (*policyv1.Secret, error) {
		before := stored.GetValue()
		if moved := req.GetSecret().GetVaultId(); slices.Contains(req.GetUpdateMask().GetPaths(), "vault_id") && moved != stored.GetVaultId() {
			return nil, errs.InvalidField("vault_id", "a secret cannot move to another vault; create it there and delete it here")
		}
		if err := secretFields.Apply(stored, req.GetSecret(), req.GetUpdateMask()); err != nil {
			return nil, err
		}
		if stored.GetValue() == "" {
			stored.Value = before
		}
		return stored, prepareSecret(stored)
	})
	if err != nil {
		return nil, taken(err, nameTaken)
	}
	return &policyv1.UpdateSecretResponse{Secret: completeSecret(secretID, doc, meta)}, nil
}

// DeleteSecret implements policyv1.VaultServiceServer.
func (s *Service) DeleteSecret(ctx context.Context, req *policyv1.DeleteSecretRequest) (*policyv1.DeleteSecretResponse, error) {
	if err := s.secrets.Delete(ctx, req.GetId()); err != nil {
		return nil, err
	}
	return &policyv1.DeleteSecretResponse{}, nil
}

// ReencryptSecrets implements policyv1.VaultServiceServer.
func (s *Service) ReencryptSecrets(ctx context.Context, _ *policyv1.ReencryptSecretsRequest) (*policyv1.ReencryptSecretsResponse, error) {
	n, err := s.secrets.Reseal(ctx)
	if err != nil {
		return nil, err
	}
	return &policyv1.ReencryptSecretsResponse{Reencrypted: int32(n)}, nil // #nosec G115 -- a number of documents
}

func prepareSecret(doc *policyv1.Secret) error {
	doc.Id, doc.CreatedAt, doc.UpdatedAt, doc.Revision = "", nil, nil, 0
	if doc.GetValue() == "" {
		return errs.InvalidField("value", "is empty; a secret has 1 to 16384 bytes")
	}
	return checkName(doc.GetName())
}

// completeSecret is a stored secret as callers see it: without its value.
func completeSecret(secretID string, doc *policyv1.Secret, meta resource.Meta) *policyv1.Secret {
	out := redact.Message(doc)
	out.Id, out.Revision = secretID, meta.Revision
	out.CreatedAt, out.UpdatedAt = timestamppb.New(meta.CreatedAt), timestamppb.New(meta.UpdatedAt)
	return out
}
