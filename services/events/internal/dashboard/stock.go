// Package dashboard has the boards that come with Sluice and the rules for those
// that people make. The values of widgets come from capture.
package dashboard

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

// HTTPTraffic is the id of the stock board.
const HTTPTraffic = "dsh_http_traffic"

// Stock returns the boards that come with Sluice. They cannot be changed.
func Stock() []*eventsv1.Dashboard {
	return []*eventsv1.Dashboard{{
		Id: HTTPTraffic, Name: "HTTP traffic", ReadOnly: true,
		Description: "Requests, errors and latency of all endpoints. It cannot be changed; clone it to make it your own.",
		Widgets:     httpTraffic(),
	}}
}

const (
	value  = eventsv1.WidgetKind_WIDGET_KIND_QUERY_VALUE
	series = eventsv1.WidgetKind_WIDGET_KIND_TIMESERIES
	top    = eventsv1.WidgetKind_WIDGET_KIND_TOP_LIST

	serverErrors = "@http.status_code:5xx"
	rateLimited  = "@http.status_code:429"
	duration     = "@duration"
)

func httpTraffic() []*eventsv1.Widget {
	return rows(
		row(2,
			count("requests", "Requests", value, ""),
			lastHour(count("errors_last_hour", "Errors in the last hour", value, serverErrors)),
			latency("median_latency", "Median latency", value, 50),
			latency("p95_latency", "95th percentile of latency", value, 95),
			count("rate_limited", "Rate limited", value, rateLimited),
			clients(),
		),
		row(4,
			count("requests_by_class", "Requests by outcome (info: below 400, warn: 4xx, error: 5xx)", series, "", "status"),
			count("errors_by_endpoint", "Server errors by endpoint", series, serverErrors, "service"),
		),
		row(4,
			latency("median_over_time", "Median latency by endpoint", series, 50, "service"),
			latency("p95_over_time", "95th percentile of latency by endpoint", series, 95, "service"),
		),
		row(5,
			count("top_paths", "Top paths", top, "", "@http.url_details.path"),
			count("top_clients", "Top clients", top, "", "@network.client.ip"),
			count("status_codes", "Status codes", top, "", "@http.status_code"),
			count("methods", "Methods", top, "", "@http.method"),
		),
		row(4,
			count("policy_actions", "Answered by the Traffic Policy, by action", series, "@traffic_policy.action:*", "@traffic_policy.action"),
			count("gateway_errors", "Gateway errors by code", top, "@error.kind:*", "@error.kind"),
		),
	)
}

func count(id, title string, kind eventsv1.WidgetKind, filter string, groupBy ...string) *eventsv1.Widget {
	return &eventsv1.Widget{Id: id, Title: title, Kind: kind, Filter: filter, Aggregation: capturev1.Aggregation_AGGREGATION_COUNT, GroupBy: groupBy}
}

func latency(id, title string, kind eventsv1.WidgetKind, percentile float64, groupBy ...string) *eventsv1.Widget {
	return &eventsv1.Widget{
		Id: id, Title: title, Kind: kind, Aggregation: capturev1.Aggregation_AGGREGATION_PERCENTILE, Field: duration, Percentile: percentile,
		GroupBy: groupBy, Unit: "ns",
	}
}

func clients() *eventsv1.Widget {
	return &eventsv1.Widget{
		Id: "clients", Title: "Clients", Kind: value, Aggregation: capturev1.Aggregation_AGGREGATION_CARDINALITY, Field: "@network.client.ip",
	}
}

func lastHour(w *eventsv1.Widget) *eventsv1.Widget {
	w.TimeRange = durationpb.New(time.Hour)
	return w
}

// row shares the grid's width among widgets.
func row(height uint32, widgets ...*eventsv1.Widget) []*eventsv1.Widget {
	width := gridWidth / uint32(len(widgets))
	for i, w := range widgets {
		w.X, w.Width, w.Height = uint32(i)*width, width, height
	}
	return widgets
}

// rows puts rows below one another.
func rows(list ...[]*eventsv1.Widget) []*eventsv1.Widget {
	var all []*eventsv1.Widget
	y := uint32(0)
	for _, widgets := range list {
		for _, w := range widgets {
			w.Y = y
		}
		all = append(all, widgets...)
		y += widgets[0].GetHeight()
	}
	return all
}
