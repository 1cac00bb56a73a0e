package api

import (
	"context"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/config"
)

// Sealing serves SealingService.
type Sealing struct {
	eventsv1.UnimplementedSealingServiceServer
	store *config.Store
}

// NewSealing returns the service.
func NewSealing(store *config.Store) *Sealing { return &Sealing{store: store} }

// ReencryptEventSecrets seals all secrets with the newest key.
func (s *Sealing) ReencryptEventSecrets(ctx context.Context, _ *eventsv1.ReencryptEventSecretsRequest) (*eventsv1.ReencryptEventSecretsResponse, error) {
	n, err := s.store.Reseal(ctx)
	if err != nil {
		return nil, err
	}
	return &eventsv1.ReencryptEventSecretsResponse{Reencrypted: int32(n)}, nil // #nosec G115 -- a number of documents
}
