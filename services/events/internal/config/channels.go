package config

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/resource"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

// Channel returns a notification channel with its id and secrets.
func (s *Store) Channel(ctx context.Context, id string) (*eventsv1.NotificationChannel, error) {
	c, _, err := s.Channels.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	c.Id = id
	return c, nil
}

// AllChannels returns every notification channel with its id. Secrets are left
// sealed: to notify, read the Channel.
func (s *Store) AllChannels(ctx context.Context) ([]*eventsv1.NotificationChannel, error) {
	all, _, err := s.Channels.Closed().All(ctx)
	return named(all), err
}

// OpenChannels returns every notification channel with its id and secrets.
func (s *Store) OpenChannels(ctx context.Context) ([]*eventsv1.NotificationChannel, error) {
	all, _, err := s.Channels.All(ctx)
	return named(all), err
}

func named(all []resource.Entry[*eventsv1.NotificationChannel]) []*eventsv1.NotificationChannel {
	out := make([]*eventsv1.NotificationChannel, len(all))
	for i, e := range all {
		e.Doc.Id = e.ID
		out[i] = e.Doc
	}
	return out
}

func (s *Store) fareKey(channel string) string { return s.db.Key("channel", channel) }

// Fared remembers what a channel answered.
func (s *Store) Fared(ctx context.Context, r *eventsv1.NotificationResult) error {
	values := []any{"last_error", ""}
	if r.GetDelivered() {
		values = append(values, "last_success_at", time.Now().UnixMilli())
	} else {
		values[1] = failure(r)
	}
	return wrap(s.db.HSet(ctx, s.fareKey(r.GetChannelId()), values...).Err())
}

func failure(r *eventsv1.NotificationResult) string {
	if r.GetError() != "" {
		return r.GetError()
	}
	return "status " + strconv.Itoa(int(r.GetStatusCode())) + ": " + r.GetResponseBody()
}

// Fare fills in what a channel answered last.
func (s *Store) Fare(ctx context.Context, c *eventsv1.NotificationChannel) error {
	values, err := s.db.HMGet(ctx, s.fareKey(c.GetId()), "last_error", "last_success_at").Result()
	if err != nil {
		return wrap(err)
	}
	c.LastError, _ = values[0].(string)
	if text, ok := values[1].(string); ok {
		if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
			c.LastSuccessAt = timestamppb.New(time.UnixMilli(ms))
		}
	}
	return nil
}

// ForgetChannel drops what is known of a channel that is no more.
func (s *Store) ForgetChannel(ctx context.Context, id string) error {
	return wrap(s.db.Del(ctx, s.fareKey(id)).Err())
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return errs.Unavailable("the status of channels cannot be read or stored; try again").Because(err)
}
