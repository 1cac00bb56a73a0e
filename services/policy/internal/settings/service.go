// Package settings keeps what all proxies must agree on besides endpoints.
package settings

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/resource"
	"sluice.dev/services/policy/internal/mask"
	"sluice.dev/services/policy/internal/store"
)

// Defaults of capture settings.
const (
	defaultBodyLimit     = 10240 // bytes
	defaultSamplePercent = 100
	defaultMessageLimit  = 1000 // of one exchange
)

var fields = mask.Fields{
	Mutable: []protoreflect.Name{"mode", "request_body_limit", "response_body_limit", "sample_percent", "redact_headers",
		"keep", "redaction_rules", "disabled_redaction_rules", "message_limit"},
	Server: []protoreflect.Name{"updated_at", "revision"},
}

// Service is policyv1.SettingsServiceServer.
type Service struct {
	policyv1.UnimplementedSettingsServiceServer
	settings *resource.Collection[*policyv1.CaptureSettings]
}

// NewService returns the service over a collection.
func NewService(settings *resource.Collection[*policyv1.CaptureSettings]) *Service {
	return &Service{settings: settings}
}

// GetCaptureSettings implements policyv1.SettingsServiceServer.
func (s *Service) GetCaptureSettings(ctx context.Context, _ *policyv1.GetCaptureSettingsRequest) (*policyv1.GetCaptureSettingsResponse, error) {
	doc, meta, err := s.settings.Get(ctx, store.SettingsID)
	if errs.Is(err, errs.ReasonNotFound) {
		doc, err = &policyv1.CaptureSettings{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &policyv1.GetCaptureSettingsResponse{Settings: Complete(doc, meta)}, nil
}

// UpdateCaptureSettings implements policyv1.SettingsServiceServer.
func (s *Service) UpdateCaptureSettings(ctx context.Context, req *policyv1.UpdateCaptureSettingsRequest) (*policyv1.UpdateCaptureSettingsResponse, error) {
	change := func(doc *policyv1.CaptureSettings) (*policyv1.CaptureSettings, error) {
		if err := fields.Apply(doc, req.GetSettings(), req.GetUpdateMask()); err != nil {
			return nil, err
		}
		return doc, check(doc)
	}
	doc, meta, err := s.settings.Update(ctx, store.SettingsID, change)
	if errs.Is(err, errs.ReasonNotFound) {
		doc, meta, err = s.createFirst(ctx, change)
	}
	if err != nil {
		return nil, err
	}
	return &policyv1.UpdateCaptureSettingsResponse{Settings: Complete(doc, meta)}, nil
}

// createFirst stores the first change; another writer may do so at the same time.
func (s *Service) createFirst(ctx context.Context, change func(*policyv1.CaptureSettings) (*policyv1.CaptureSettings, error)) (*policyv1.CaptureSettings, resource.Meta, error) {
	doc, err := change(&policyv1.CaptureSettings{})
	if err != nil {
		return nil, resource.Meta{}, err
	}
	doc, meta, err := s.settings.Create(ctx, store.SettingsID, doc)
	if errs.Is(err, errs.ReasonAlreadyExists) {
		return s.settings.Update(ctx, store.SettingsID, change)
	}
	return doc, meta, err
}

// Complete is a copy of stored settings as callers see them, defaults filled in.
func Complete(stored *policyv1.CaptureSettings, meta resource.Meta) *policyv1.CaptureSettings {
	doc := proto.CloneOf(stored)
	if doc.Mode == policyv1.CaptureMode_CAPTURE_MODE_UNSPECIFIED {
		doc.Mode = policyv1.CaptureMode_CAPTURE_MODE_METADATA
	}
	if doc.RequestBodyLimit == 0 {
		doc.RequestBodyLimit = defaultBodyLimit
	}
	if doc.ResponseBodyLimit == 0 {
		doc.ResponseBodyLimit = defaultBodyLimit
	}
	if doc.SamplePercent == 0 {
		doc.SamplePercent = defaultSamplePercent
	}
	if doc.MessageLimit == 0 {
		doc.MessageLimit = defaultMessageLimit
	}
	doc.Revision = meta.Revision
	if meta.Revision > 0 {
		doc.UpdatedAt = timestamppb.New(meta.UpdatedAt)
	}
	return doc
}
