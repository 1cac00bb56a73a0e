package api

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/search"
	"sluice.dev/platform/trafficpolicy/nearest"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/config"
	"sluice.dev/services/events/internal/delivery"
	"sluice.dev/services/events/internal/event"
)

// Starter records where the deliveries of a subscription begin and end.
type Starter interface {
	Begin(ctx context.Context, subscription string, destinations []string) error
	End(ctx context.Context, subscription string, destinations []string) error
}

// Subscriptions serves SubscriptionService.
type Subscriptions struct {
	eventsv1.UnimplementedSubscriptionServiceServer
	documents[*eventsv1.EventSubscription]
	store   *config.Store
	starter Starter
}

// NewSubscriptions returns the service.
func NewSubscriptions(store *config.Store, progress *delivery.Progress, starter Starter) *Subscriptions {
	s := &Subscriptions{store: store, starter: starter}
	s.documents = documents[*eventsv1.EventSubscription]{
		noun: "event_subscription", docs: store.Subscriptions, outputOnly: []string{"status"},
		check: s.checkReferences,
		status: func(ctx context.Context, d *eventsv1.EventSubscription) error {
			d.Status = map[string]*eventsv1.DeliveryStatus{}
			for _, to := range d.GetDestinationIds() {
				status, err := progress.OfPair(ctx, d.GetId(), to)
				if err != nil {
					return err
				}
				d.Status[to] = status
			}
			return nil
		},
	}
	return s
}

func (s *Subscriptions) checkReferences(ctx context.Context, d *eventsv1.EventSubscription) error {
	if err := checkSources(d.GetSources()); err != nil {
		return err
	}
	for i, to := range d.GetDestinationIds() {
		_, _, err := s.store.Destinations.Closed().Get(ctx, to)
		if errs.Is(err, errs.ReasonNotFound) {
			return errs.InvalidField(fmt.Sprintf("destination_ids[%d]", i), "no event destination has the id %q", to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exported are the types of events that may be subscribed to.
var exported = []string{event.HTTPRequestComplete}

func checkSources(sources []*eventsv1.EventSource) error {
	seen := map[string]bool{}
	for i, source := range sources {
		field := fmt.Sprintf("sources[%d]", i)
		if !slices.Contains(exported, source.GetType()) {
			return unknownType(field+".type", source.GetType())
		}
		if seen[source.GetType()] {
			return errs.InvalidField(field+".type", "%s occurs twice; each type may occur once", source.GetType())
		}
		seen[source.GetType()] = true
		if _, err := event.Select(field+".fields", source.GetFields()); err != nil {
			return err
		}
		if err := checkFilter(field+".filter", source.GetFilter()); err != nil {
			return err
		}
	}
	return nil
}

func unknownType(field, name string) error {
	message := fmt.Sprintf("%q is no type of event that is exported", name)
	v := errs.Violation{Field: field, Message: message, Hint: "the types are: " + fmt.Sprint(exported)}
	if meant := nearest.Word(name, exported); meant != "" {
		v.Hint = `did you mean "` + meant + `"?`
	}
	return errs.Invalid("%s: %s", field, message).With(v)
}

// checkFilter refuses what does not parse and fields that nothing has: such a
// filter would match nothing, silently.
func checkFilter(field, filter string) error {
	query, err := search.Parse(filter)
	if err != nil {
		e := errs.As(err)
		if e == nil {
			return err
		}
		e.Message = field + ": " + e.Violations[0].Message
		e.Violations[0].Field = field
		return e
	}
	unknown := query.UnknownFields()
	if len(unknown) == 0 {
		return nil
	}
	var names []string
	for _, f := range search.Fields() {
		names = append(names, f.Names()...)
	}
	message := fmt.Sprintf("exchanges have no field %q", unknown[0])
	v := errs.Violation{Field: field, Message: message, Code: "SLUICE_5405"}
	if meant := nearest.Word(unknown[0], names); meant != "" {
		v.Hint = `did you mean "` + meant + `"?`
	}
	return errs.Invalid("%s: %s", field, message).With(v)
}

// CreateEventSubscription keeps a new subscription. It gets what is stored from
// this moment on.
func (s *Subscriptions) CreateEventSubscription(ctx context.Context, req *eventsv1.CreateEventSubscriptionRequest) (*eventsv1.CreateEventSubscriptionResponse, error) {
	newID, to := id.EventSubscription.New(), req.GetEventSubscription().GetDestinationIds()
	if err := s.prepare(ctx, proto.CloneOf(req.GetEventSubscription())); err != nil {
		return nil, err
	}
	if err := s.starter.Begin(ctx, newID, to); err != nil {
		return nil, err
	}
	doc, err := s.create(ctx, newID, req.GetEventSubscription())
	if err != nil {
		_ = s.starter.End(context.WithoutCancel(ctx), newID, to) // it never was
		return nil, err
	}
	return &eventsv1.CreateEventSubscriptionResponse{EventSubscription: doc}, nil
}

// GetEventSubscription returns one.
func (s *Subscriptions) GetEventSubscription(ctx context.Context, req *eventsv1.GetEventSubscriptionRequest) (*eventsv1.GetEventSubscriptionResponse, error) {
	doc, err := s.get(ctx, req.GetId())
	return &eventsv1.GetEventSubscriptionResponse{EventSubscription: doc}, err
}

// ListEventSubscriptions returns a page, newest first.
func (s *Subscriptions) ListEventSubscriptions(ctx context.Context, req *eventsv1.ListEventSubscriptionsRequest) (*eventsv1.ListEventSubscriptionsResponse, error) {
	page, next, err := s.list(ctx, req.GetLimit(), req.GetCursor())
	return &eventsv1.ListEventSubscriptionsResponse{EventSubscriptions: page, NextCursor: next}, err
}

// UpdateEventSubscription changes one. Destinations that it gains get what is
// stored from this moment on; those it keeps go on.
func (s *Subscriptions) UpdateEventSubscription(ctx context.Context, req *eventsv1.UpdateEventSubscriptionRequest) (*eventsv1.UpdateEventSubscriptionResponse, error) {
	var dropped []string
	doc, err := s.update(ctx, req.GetEventSubscription(), req.GetUpdateMask(), func(before, after *eventsv1.EventSubscription) error {
		was, is := before.GetDestinationIds(), after.GetDestinationIds()
		dropped = without(was, is)
		return s.starter.Begin(ctx, req.GetEventSubscription().GetId(), without(is, was))
	})
	if err != nil {
		return nil, err
	}
	return &eventsv1.UpdateEventSubscriptionResponse{EventSubscription: doc}, s.starter.End(ctx, doc.GetId(), dropped)
}

// without is the members of list that are not in others.
func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(others, s) })
}

// DeleteEventSubscription removes one, and what is known of its deliveries.
func (s *Subscriptions) DeleteEventSubscription(ctx context.Context, req *eventsv1.DeleteEventSubscriptionRequest) (*eventsv1.DeleteEventSubscriptionResponse, error) {
	doc, _, err := s.docs.Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.docs.Delete(ctx, req.GetId()); err != nil {
		return nil, err
	}
	return &eventsv1.DeleteEventSubscriptionResponse{}, s.starter.End(ctx, req.GetId(), doc.GetDestinationIds())
}
