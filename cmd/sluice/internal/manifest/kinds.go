package manifest

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/cmd/sluice/internal/client"
)

// pageSize is how many resources a list call asks for.
const pageSize = 1000

// kind is one kind of resource.
type kind struct {
	name   string
	new    func() proto.Message
	key    func(proto.Message) string // natural key; "" has none
	page   func(ctx context.Context, c *client.Client, cursor string) (resources []proto.Message, next string, err error)
	create func(context.Context, *client.Client, proto.Message) (proto.Message, error)
	update func(context.Context, *client.Client, proto.Message, *fieldmaskpb.FieldMask) (proto.Message, error)
}

// kinds in the order in which they are applied: what is referred to comes first.
var kinds = []*kind{captureSettings, endpoints, destinations, subscriptions, channels, monitors, dashboards}

func kindNamed(name string) *kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	return nil
}

func kindNames() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

func order(name string) int {
	for i, k := range kinds {
		if k.name == name {
			return i
		}
	}
	return len(kinds)
}

// messages makes a list of resources one of messages.
func messages[T proto.Message](in []T) []proto.Message {
	out := make([]proto.Message, len(in))
	for i, m := range in {
		out[i] = m
	}
	return out
}

var captureSettings = &kind{
	name: "capture_settings",
	new:  func() proto.Message { return &policyv1.CaptureSettings{} },
	key:  func(proto.Message) string { return "the one" },
	page: func(ctx context.Context, c *client.Client, _ string) ([]proto.Message, string, error) {
		r, err := c.Settings.GetCaptureSettings(ctx, &policyv1.GetCaptureSettingsRequest{})
		return []proto.Message{r.GetSettings()}, "", err
	},
	update: func(ctx context.Context, c *client.Client, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		r, err := c.Settings.UpdateCaptureSettings(ctx, &policyv1.UpdateCaptureSettingsRequest{Settings: m.(*policyv1.CaptureSettings), UpdateMask: mask})
		return r.GetSettings(), err
	},
}

var endpoints = &kind{
	name: "endpoint",
	new:  func() proto.Message { return &policyv1.Endpoint{} },
	key:  func(m proto.Message) string { return m.(*policyv1.Endpoint).GetUrl() },
	page: func(ctx context.Context, c *client.Client, cursor string) ([]proto.Message, string, error) {
		r, err := c.Endpoints.ListEndpoints(ctx, &policyv1.ListEndpointsRequest{Limit: pageSize, Cursor: cursor})
		return messages(r.GetEndpoints()), r.GetNextCursor(), err
	},
	create: func(ctx context.Context, c *client.Client, m proto.Message) (proto.Message, error) {
		r, err := c.Endpoints.CreateEndpoint(ctx, &policyv1.CreateEndpointRequest{Endpoint: m.(*policyv1.Endpoint)})
		return r.GetEndpoint(), err
	},
	update: func(ctx context.Context, c *client.Client, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		r, err := c.Endpoints.UpdateEndpoint(ctx, &policyv1.UpdateEndpointRequest{Endpoint: m.(*policyv1.Endpoint), UpdateMask: mask})
		return r.GetEndpoint(), err
	},
}
