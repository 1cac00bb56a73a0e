package api

import (
	"context"
	"slices"
	"time"

	"sluice.dev/platform/id"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/config"
	"sluice.dev/services/events/internal/delivery"
	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/event"
	"sluice.dev/services/events/internal/sender"
)

// Destinations serves DestinationService.
type Destinations struct {
	eventsv1.UnimplementedDestinationServiceServer
	documents[*eventsv1.EventDestination]
	store    *config.Store
	progress *delivery.Progress
	client   *egress.Client
}

// NewDestinations returns the service; client sends test events.
func NewDestinations(store *config.Store, progress *delivery.Progress, client *egress.Client) *Destinations {
	return &Destinations{store: store, progress: progress, client: client, documents: documents[*eventsv1.EventDestination]{
		noun: "event_destination", docs: store.Destinations, outputOnly: []string{"status"},
		check: func(_ context.Context, d *eventsv1.EventDestination) error { return sender.Check(d) },
		status: func(ctx context.Context, d *eventsv1.EventDestination) (err error) {
			d.Status, err = progress.OfDestination(ctx, d.GetId())
			return err
		},
	}}
}

// CreateEventDestination keeps a new destination.
func (s *Destinations) CreateEventDestination(ctx context.Context, req *eventsv1.CreateEventDestinationRequest) (*eventsv1.CreateEventDestinationResponse, error) {
	doc, err := s.create(ctx, id.EventDestination.New(), req.GetEventDestination())
	return &eventsv1.CreateEventDestinationResponse{EventDestination: doc}, err
}

// GetEventDestination returns one.
func (s *Destinations) GetEventDestination(ctx context.Context, req *eventsv1.GetEventDestinationRequest) (*eventsv1.GetEventDestinationResponse, error) {
	doc, err := s.get(ctx, req.GetId())
	return &eventsv1.GetEventDestinationResponse{EventDestination: doc}, err
}

// ListEventDestinations returns a page, newest first.
func (s *Destinations) ListEventDestinations(ctx context.Context, req *eventsv1.ListEventDestinationsRequest) (*eventsv1.ListEventDestinationsResponse, error) {
	page, next, err := s.list(ctx, req.GetLimit(), req.GetCursor())
	return &eventsv1.ListEventDestinationsResponse{EventDestinations: page, NextCursor: next}, err
}

// UpdateEventDestination changes one.
func (s *Destinations) UpdateEventDestination(ctx context.Context, req *eventsv1.UpdateEventDestinationRequest) (*eventsv1.UpdateEventDestinationResponse, error) {
	doc, err := s.update(ctx, req.GetEventDestination(), req.GetUpdateMask(), func(before, after *eventsv1.EventDestination) error {
		return sameKind(before, after)
	})
	return &eventsv1.UpdateEventDestinationResponse{EventDestination: doc}, err
}

// DeleteEventDestination removes one that no subscription uses.
func (s *Destinations) DeleteEventDestination(ctx context.Context, req *eventsv1.DeleteEventDestinationRequest) (*eventsv1.DeleteEventDestinationResponse, error) {
	all, _, err := s.store.Subscriptions.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, sub := range all {
		if slices.Contains(sub.Doc.GetDestinationIds(), req.GetId()) {
			return nil, config.InUse("event destination", req.GetId(), "event subscription", sub.ID)
		}
	}
	if err := s.docs.Delete(ctx, req.GetId()); err != nil {
		return nil, err
	}
	return &eventsv1.DeleteEventDestinationResponse{}, s.progress.Forget(ctx, req.GetId())
}

// TestEventDestination sends a test event now.
func (s *Destinations) TestEventDestination(ctx context.Context, req *eventsv1.TestEventDestinationRequest) (*eventsv1.TestEventDestinationResponse, error) {
	doc, _, err := s.docs.Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	to, err := sender.Open(doc, s.client)
	if err != nil {
		return nil, err
	}
	e := event.NewTest(time.Now())
	record, err := to.Encode(e)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, testLimit)
	defer cancel()
	out := to.Send(limited, []sender.Record{record})
	answer := &eventsv1.TestEventDestinationResponse{
		EventId: e.ID, Delivered: out.Verdicts[0].Kind == sender.Delivered,
		StatusCode: uint32(max(0, out.Answer.Status)), ResponseBody: out.Answer.Body,
	}
	if out.Answer.Err != nil {
		answer.Error = out.Answer.Err.Error()
	}
	return answer, nil
}
