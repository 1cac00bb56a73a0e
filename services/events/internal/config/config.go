// Package config is the configuration that the events service keeps: its
// documents, and what refers to what among them.
package config

import (
	"context"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/sealed"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

// Store is all collections of the events service.
type Store struct {
	db            *redisdb.DB
	Destinations  *resource.Collection[*eventsv1.EventDestination]
	Subscriptions *resource.Collection[*eventsv1.EventSubscription]
	Monitors      *resource.Collection[*eventsv1.Monitor]
	Channels      *resource.Collection[*eventsv1.NotificationChannel]
	Dashboards    *resource.Collection[*eventsv1.Dashboard]
	Audit         *resource.AuditLog
}

// Open returns the collections in db. It does no I/O. Secrets are sealed with
// keys; without keys (nil) they are stored in clear.
func Open(db *redisdb.DB, keys *sealed.Ring) *Store {
	var seal resource.Sealer
	if keys != nil {
		seal = keys
	}
	return &Store{
		db:            db,
		Destinations:  resource.New(db, "event_destination", resource.Options[*eventsv1.EventDestination]{Seal: seal}),
		Subscriptions: resource.New(db, "event_subscription", resource.Options[*eventsv1.EventSubscription]{}),
		Monitors:      resource.New(db, "monitor", resource.Options[*eventsv1.Monitor]{}),
		Channels: resource.New(db, "notification_channel", resource.Options[*eventsv1.NotificationChannel]{
			Unique: func(c *eventsv1.NotificationChannel) []string { return []string{c.GetName()} },
			Seal:   seal,
		}),
		Dashboards: resource.New(db, "dashboard", resource.Options[*eventsv1.Dashboard]{}),
		Audit:      resource.NewAuditLog(db),
	}
}

// Reseal seals anew what is in clear or sealed with an older key, and returns the
// number of documents.
func (s *Store) Reseal(ctx context.Context) (int, error) {
	destinations, err := s.Destinations.Reseal(ctx)
	if err != nil {
		return destinations, err
	}
	channels, err := s.Channels.Reseal(ctx)
	return destinations + channels, err
}

// ReasonInUse says that a document cannot go because others refer to it.
const ReasonInUse errs.Reason = "IN_USE"

// InUse is the refusal to delete something that user needs.
func InUse(kind, id, userKind, user string) error {
	return errs.New(codes.FailedPrecondition, ReasonInUse, "the %s %s is used by the %s %s; change or delete that first", kind, id, userKind, user)
}
