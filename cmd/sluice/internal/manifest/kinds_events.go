package manifest

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"

	"sluice.dev/cmd/sluice/internal/client"
)

var destinations = &kind{
	name: "event_destination",
	new:  func() proto.Message { return &eventsv1.EventDestination{} },
	key:  func(m proto.Message) string { return m.(*eventsv1.EventDestination).GetDescription() },
	page: func(ctx context.Context, c *client.Client, cursor string) ([]proto.Message, string, error) {
		r, err := c.Destinations.ListEventDestinations(ctx, &eventsv1.ListEventDestinationsRequest{Limit: pageSize, Cursor: cursor})
		return messages(r.GetEventDestinations()), r.GetNextCursor(), err
	},
	create: func(ctx context.Context, c *client.Client, m proto.Message) (proto.Message, error) {
		r, err := c.Destinations.CreateEventDestination(ctx, &eventsv1.CreateEventDestinationRequest{EventDestination: m.(*eventsv1.EventDestination)})
		return r.GetEventDestination(), err
	},
	update: func(ctx context.Context, c *client.Client, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		r, err := c.Destinations.UpdateEventDestination(ctx, &eventsv1.UpdateEventDestinationRequest{EventDestination: m.(*eventsv1.EventDestination), UpdateMask: mask})
		return r.GetEventDestination(), err
	},
}

var subscriptions = &kind{
	name: "event_subscription",
	new:  func() proto.Message { return &eventsv1.EventSubscription{} },
	key:  func(m proto.Message) string { return m.(*eventsv1.EventSubscription).GetDescription() },
	page: func(ctx context.Context, c *client.Client, cursor string) ([]proto.Message, string, error) {
		r, err := c.Subscriptions.ListEventSubscriptions(ctx, &eventsv1.ListEventSubscriptionsRequest{Limit: pageSize, Cursor: cursor})
		return messages(r.GetEventSubscriptions()), r.GetNextCursor(), err
	},
	create: func(ctx context.Context, c *client.Client, m proto.Message) (proto.Message, error) {
		r, err := c.Subscriptions.CreateEventSubscription(ctx, &eventsv1.CreateEventSubscriptionRequest{EventSubscription: m.(*eventsv1.EventSubscription)})
		return r.GetEventSubscription(), err
	},
	update: func(ctx context.Context, c *client.Client, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		r, err := c.Subscriptions.UpdateEventSubscription(ctx, &eventsv1.UpdateEventSubscriptionRequest{EventSubscription: m.(*eventsv1.EventSubscription), UpdateMask: mask})
		return r.GetEventSubscription(), err
	},
}

var channels = &kind{
	name: "notification_channel",
	new:  func() proto.Message { return &eventsv1.NotificationChannel{} },
	key:  func(m proto.Message) string { return m.(*eventsv1.NotificationChannel).GetName() },
	page: func(ctx context.Context, c *client.Client, cursor string) ([]proto.Message, string, error) {
		r, err := c.Channels.ListNotificationChannels(ctx, &eventsv1.ListNotificationChannelsRequest{Limit: pageSize, Cursor: cursor})
		return messages(r.GetNotificationChannels()), r.GetNextCursor(), err
	},
	create: func(ctx context.Context, c *client.Client, m proto.Message) (proto.Message, error) {
		r, err := c.Channels.CreateNotificationChannel(ctx, &eventsv1.CreateNotificationChannelRequest{NotificationChannel: m.(*eventsv1.NotificationChannel)})
		return r.GetNotificationChannel(), err
	},
	update: func(ctx context.Context, c *client.Client, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		r, err := c.Channels.UpdateNotificationChannel(ctx, &eventsv1.UpdateNotificationChannelRequest{NotificationChannel: m.(*eventsv1.NotificationChannel), UpdateMask: mask})
		return r.GetNotificationChannel(), err
	},
}

var monitors = &kind{
	name: "monitor",
	new:  func() proto.Message { return &eventsv1.Monitor{} },
	key:  func(m proto.Message) string { return m.(*eventsv1.Monitor).GetName() },
	page: func(ctx context.Context, c *client.Client, cursor string) ([]proto.Message, string, error) {
		r, err := c.Monitors.ListMonitors(ctx, &eventsv1.ListMonitorsRequest{Limit: pageSize, Cursor: cursor})
		return messages(r.GetMonitors()), r.GetNextCursor(), err
	},
	create: func(ctx context.Context, c *client.Client, m proto.Message) (proto.Message, error) {
		r, err := c.Monitors.CreateMonitor(ctx, &eventsv1.CreateMonitorRequest{Monitor: m.(*eventsv1.Monitor)})
		return r.GetMonitor(), err
	},
	update: func(ctx context.Context, c *client.Client, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		r, err := c.Monitors.UpdateMonitor(ctx, &eventsv1.UpdateMonitorRequest{Monitor: m.(*eventsv1.Monitor), UpdateMask: mask})
		return r.GetMonitor(), err
	},
}

var dashboards = &kind{
	name: "dashboard",
	new:  func() proto.Message { return &eventsv1.Dashboard{} },
	key:  func(m proto.Message) string { return m.(*eventsv1.Dashboard).GetName() },
	page: func(ctx context.Context, c *client.Client, cursor string) ([]proto.Message, string, error) {
		r, err := c.Dashboards.ListDashboards(ctx, &eventsv1.ListDashboardsRequest{Limit: pageSize, Cursor: cursor})
		return messages(r.GetDashboards()), r.GetNextCursor(), err
	},
	create: func(ctx context.Context, c *client.Client, m proto.Message) (proto.Message, error) {
		r, err := c.Dashboards.CreateDashboard(ctx, &eventsv1.CreateDashboardRequest{Dashboard: m.(*eventsv1.Dashboard)})
		return r.GetDashboard(), err
	},
	update: func(ctx context.Context, c *client.Client, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		r, err := c.Dashboards.UpdateDashboard(ctx, &eventsv1.UpdateDashboardRequest{Dashboard: m.(*eventsv1.Dashboard), UpdateMask: mask})
		return r.GetDashboard(), err
	},
}
