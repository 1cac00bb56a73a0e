package api

import (
	"context"
	"slices"
	"time"

	"sluice.dev/platform/id"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/config"
	"sluice.dev/services/events/internal/notify"
)

// Channels serves ChannelService.
type Channels struct {
	eventsv1.UnimplementedChannelServiceServer
	documents[*eventsv1.NotificationChannel]
	store   *config.Store
	sender  *notify.Sender
	console string
}

// NewChannels returns the service; tests link to console.
func NewChannels(store *config.Store, sender *notify.Sender, console string) *Channels {
	return &Channels{store: store, sender: sender, console: console, documents: documents[*eventsv1.NotificationChannel]{
		noun: "notification_channel", docs: store.Channels, outputOnly: []string{"last_error", "last_success_at"},
		check:  func(_ context.Context, c *eventsv1.NotificationChannel) error { return notify.Check(c) },
		status: store.Fare,
	}}
}

// CreateNotificationChannel keeps a new channel.
func (s *Channels) CreateNotificationChannel(ctx context.Context, req *eventsv1.CreateNotificationChannelRequest) (*eventsv1.CreateNotificationChannelResponse, error) {
	doc, err := s.create(ctx, id.Channel.New(), req.GetNotificationChannel())
	return &eventsv1.CreateNotificationChannelResponse{NotificationChannel: doc}, err
}

// GetNotificationChannel returns one.
func (s *Channels) GetNotificationChannel(ctx context.Context, req *eventsv1.GetNotificationChannelRequest) (*eventsv1.GetNotificationChannelResponse, error) {
	doc, err := s.get(ctx, req.GetId())
	return &eventsv1.GetNotificationChannelResponse{NotificationChannel: doc}, err
}

// ListNotificationChannels returns a page, newest first.
func (s *Channels) ListNotificationChannels(ctx context.Context, req *eventsv1.ListNotificationChannelsRequest) (*eventsv1.ListNotificationChannelsResponse, error) {
	page, next, err := s.list(ctx, req.GetLimit(), req.GetCursor())
	return &eventsv1.ListNotificationChannelsResponse{NotificationChannels: page, NextCursor: next}, err
}

// UpdateNotificationChannel changes one.
func (s *Channels) UpdateNotificationChannel(ctx context.Context, req *eventsv1.UpdateNotificationChannelRequest) (*eventsv1.UpdateNotificationChannelResponse, error) {
	doc, err := s.update(ctx, req.GetNotificationChannel(), req.GetUpdateMask(), func(before, after *eventsv1.NotificationChannel) error {
		return sameKind(before, after)
	})
	return &eventsv1.UpdateNotificationChannelResponse{NotificationChannel: doc}, err
}

// DeleteNotificationChannel removes one that no monitor notifies.
func (s *Channels) DeleteNotificationChannel(ctx context.Context, req *eventsv1.DeleteNotificationChannelRequest) (*eventsv1.DeleteNotificationChannelResponse, error) {
	channel, _, err := s.docs.Closed().Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	channel.Id = req.GetId()
	monitors, _, err := s.store.Monitors.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range monitors {
		if notifies(m.Doc, channel) {
			return nil, config.InUse("notification channel", channel.GetId(), "monitor", m.ID)
		}
	}
	if err := s.docs.Delete(ctx, channel.GetId()); err != nil {
		return nil, err
	}
	return &eventsv1.DeleteNotificationChannelResponse{}, s.store.ForgetChannel(ctx, channel.GetId())
}

// notifies reports whether a monitor names a channel by id or by handle.
func notifies(m *eventsv1.Monitor, c *eventsv1.NotificationChannel) bool {
	if slices.Contains(m.GetChannelIds(), c.GetId()) {
		return true
	}
	message, err := notify.Parse(m.GetMessage())
	return err == nil && slices.ContainsFunc(message.Handles(), func(h notify.Handle) bool {
		return h.Name == c.GetName() && h.Kind == notify.KindOf(c)
	})
}

// TestNotificationChannel sends a notification now.
func (s *Channels) TestNotificationChannel(ctx context.Context, req *eventsv1.TestNotificationChannelRequest) (*eventsv1.TestNotificationChannelResponse, error) {
	channel, err := s.store.Channel(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, testLimit)
	defer cancel()
	result := notify.Result(channel, s.sender.Send(limited, channel, notify.ChannelTest(channel, s.console, time.Now())))
	return &eventsv1.TestNotificationChannelResponse{Result: result}, s.store.Fared(ctx, result)
}
