// Package vault keeps secrets for Traffic Policies, in vaults. Values go in and
// never come out of this API; proxies get them through package distribution.
package vault

import (
	"context"
	"regexp"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/resource"
	"sluice.dev/services/policy/internal/mask"
)

var vaultFields = mask.Fields{
	Mutable: []protoreflect.Name{"name", "description", "metadata"},
	Server:  []protoreflect.Name{"id", "created_at", "updated_at", "revision"},
}

// Service is policyv1.VaultServiceServer.
type Service struct {
	policyv1.UnimplementedVaultServiceServer
	vaults  *resource.Collection[*policyv1.Vault]
	secrets *resource.Collection[*policyv1.Secret]
}

// NewService returns the service over its collections.
func NewService(vaults *resource.Collection[*policyv1.Vault], secrets *resource.Collection[*policyv1.Secret]) *Service {
	return &Service{vaults: vaults, secrets: secrets}
}

// CreateVault implements policyv1.VaultServiceServer.
func (s *Service) CreateVault(ctx context.Context, req *policyv1.CreateVaultRequest) (*policyv1.CreateVaultResponse, error) {
	doc := proto.CloneOf(req.GetVault())
	if err := prepareVault(doc); err != nil {
		return nil, err
	}
	newID := id.Vault.New()
	doc, meta, err := s.vaults.Create(ctx, newID, doc)
	if err != nil {
		return nil, taken(err, "another vault has this name")
	}
	return &policyv1.CreateVaultResponse{Vault: completeVault(newID, doc, meta)}, nil
}

// GetVault implements policyv1.VaultServiceServer.
func (s *Service) GetVault(ctx context.Context, req *policyv1.GetVaultRequest) (*policyv1.GetVaultResponse, error) {
	doc, meta, err := s.vaults.Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &policyv1.GetVaultResponse{Vault: completeVault(req.GetId(), doc, meta)}, nil
}

// ListVaults implements policyv1.VaultServiceServer.
func (s *Service) ListVaults(ctx context.Context, req *policyv1.ListVaultsRequest) (*policyv1.ListVaultsResponse, error) {
	page, next, err := s.vaults.List(ctx, int(req.GetLimit()), req.GetCursor())
	if err != nil {
		return nil, err
	}
	out := &policyv1.ListVaultsResponse{NextCursor: next}
	for _, e := range page {
		out.Vaults = append(out.Vaults, completeVault(e.ID, e.Doc, e.Meta))
	}
	return out, nil
}

// UpdateVault implements policyv1.VaultServiceServer.
func (s *Service) UpdateVault(ctx context.Context, req *policyv1.UpdateVaultRequest) (*policyv1.UpdateVaultResponse, error) {
	vaultID := req.GetVault().GetId()
	if vaultID == "" {
		return nil, errs.InvalidField("id", "is empty; name the vault to change")
	}
	doc, meta, err := s.vaults.Update(ctx, vaultID, func(v *policyv1.Vault) (*policyv1.Vault, error) {
		if err := vaultFields.Apply(v, req.GetVault(), req.GetUpdateMask()); err != nil {
			return nil, err
		}
		return v, prepareVault(v)
	})
	if err != nil {
		return nil, taken(err, "another vault has this name")
	}
	return &policyv1.UpdateVaultResponse{Vault: completeVault(vaultID, doc, meta)}, nil
}

// DeleteVault implements policyv1.VaultServiceServer.
func (s *Service) DeleteVault(ctx context.Context, req *policyv1.DeleteVaultRequest) (*policyv1.DeleteVaultResponse, error) {
	if err := s.vaults.Delete(ctx, req.GetId()); err != nil {
		return nil, err
	}
	return &policyv1.DeleteVaultResponse{}, nil
}

func prepareVault(v *policyv1.Vault) error {
	v.Id, v.CreatedAt, v.UpdatedAt, v.Revision = "", nil, nil, 0
	return checkName(v.GetName())
}

func completeVault(vaultID string, doc *policyv1.Vault, meta resource.Meta) *policyv1.Vault {
	doc.Id, doc.Revision = vaultID, meta.Revision
	doc.CreatedAt, doc.UpdatedAt = timestamppb.New(meta.CreatedAt), timestamppb.New(meta.UpdatedAt)
	return doc
}

var name = regexp.MustCompile(`^[a-zA-Z0-9_/.-]{1,255}$`)

func checkName(s string) error {
	if name.MatchString(s) {
		return nil
	}
	return errs.InvalidField("name", "%q is not a name: use 1 to 255 of a-z A-Z 0-9 _ / . and -", s)
}

// taken says that the name is what is not unique.
func taken(err error, message string) error {
	if e := errs.As(err); e != nil && e.Reason == errs.ReasonAlreadyExists {
		return errs.New(e.Code, e.Reason, "name: %s", message).With(errs.Violation{Field: "name", Message: message, Hint: "use another name, or change the one that has it"})
	}
	return err
}
