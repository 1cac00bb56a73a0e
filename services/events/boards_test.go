package events_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

func TestTheStockBoardIsClonedNotChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.SharedRedis(t).URL())
	r := w.start()
	ctx := background(t)
	listed, err := r.dashboards.ListDashboards(ctx, &eventsv1.ListDashboardsRequest{})
	if err != nil || len(listed.GetDashboards()) != 1 || !listed.GetDashboards()[0].GetReadOnly() {
		t.Fatalf("listed %v, %v", listed, err)
	}
	stock := listed.GetDashboards()[0]
	if _, err := r.dashboards.UpdateDashboard(ctx, &eventsv1.UpdateDashboardRequest{Dashboard: stock}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("changing the stock board: %v", err)
	}
	if _, err := r.dashboards.DeleteDashboard(ctx, &eventsv1.DeleteDashboardRequest{Id: stock.GetId()}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("deleting the stock board: %v", err)
	}
	clone, err := r.dashboards.CreateDashboard(ctx, &eventsv1.CreateDashboardRequest{Dashboard: stock}) // also: the stock board passes the checks
	if err != nil || clone.GetDashboard().GetReadOnly() || clone.GetDashboard().GetId() == stock.GetId() {
		t.Fatalf("cloned %v, %v", clone, err)
	}
	board := proto.CloneOf(clone.GetDashboard())
	board.Widgets = append(board.Widgets, &eventsv1.Widget{
		Title: "Errors", Kind: eventsv1.WidgetKind_WIDGET_KIND_QUERY_VALUE, Filter: "@http.status_code:500", Aggregation: capturev1.Aggregation_AGGREGATION_COUNT, Width: 3, Height: 2,
	})
	updated, err := r.dashboards.UpdateDashboard(ctx, &eventsv1.UpdateDashboardRequest{Dashboard: board, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"widgets"}}})
	if err != nil || len(updated.GetDashboard().GetWidgets()) != len(stock.GetWidgets())+1 || updated.GetDashboard().GetWidgets()[len(stock.GetWidgets())].GetId() == "" {
		t.Errorf("updated %v, %v", updated, err)
	}
}

func TestBoardsAreCheckedWhenTheyAreSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.SharedRedis(t).URL())
	r := w.start()
	good := func() *eventsv1.Widget {
		return &eventsv1.Widget{Kind: eventsv1.WidgetKind_WIDGET_KIND_TOP_LIST, Aggregation: capturev1.Aggregation_AGGREGATION_COUNT, GroupBy: []string{"path"}}
	}
	cases := map[string]func(*eventsv1.Widget){
		"":                       func(*eventsv1.Widget) {},
		"widgets[0].filter":      func(w *eventsv1.Widget) { w.Filter = "a OR" },
		"widgets[0].group_by[0]": func(w *eventsv1.Widget) { w.GroupBy = []string{"@http.pth"} },
		"widgets[0].group_by":    func(w *eventsv1.Widget) { w.GroupBy = nil },
		"widgets[0].kind":        func(w *eventsv1.Widget) { w.Kind = 0 },
		"widgets[0].aggregation": func(w *eventsv1.Widget) { w.Aggregation = 0 },
		"widgets[0].field":       func(w *eventsv1.Widget) { w.Aggregation, w.Field = capturev1.Aggregation_AGGREGATION_AVG, "path" },
		"widgets[0].percentile": func(w *eventsv1.Widget) {
			w.Aggregation, w.Field, w.Percentile = capturev1.Aggregation_AGGREGATION_PERCENTILE, "duration", 100
		},
		"widgets[0].width": func(w *eventsv1.Widget) { w.X, w.Width = 8, 6 },
		"widgets[0].unit":  func(w *eventsv1.Widget) { w.Unit = "furlongs" },
	}
	for field, spoil := range cases {
		widget := good()
		spoil(widget)
		_, err := r.dashboards.CreateDashboard(background(t), &eventsv1.CreateDashboardRequest{Dashboard: &eventsv1.Dashboard{Name: "b", Widgets: []*eventsv1.Widget{widget}}})
		if field == "" {
			if err != nil {
				t.Errorf("a good board: %v", err)
			}
			continue
		}
		if e := errs.As(err); e == nil || e.Code != codes.InvalidArgument || len(e.Violations) != 1 || e.Violations[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestChangesAreAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.SharedRedis(t).URL())
	r := w.start()
	ctx := rpc.WithPrincipal(background(t), "ak_1")
	made, err := r.destinations.CreateEventDestination(ctx, &eventsv1.CreateEventDestinationRequest{EventDestination: &eventsv1.EventDestination{
		Target: &eventsv1.EventDestination_Datadog{Datadog: &eventsv1.DatadogTarget{ApiKey: "hunter2", Ddsite: "datadoghq.eu"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	id := made.GetEventDestination().GetId()
	if _, err := r.destinations.DeleteEventDestination(ctx, &eventsv1.DeleteEventDestinationRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	got, err := r.audit.ListAuditEvents(ctx, &eventsv1.ListAuditEventsRequest{ObjectId: id})
	if err != nil || len(got.GetAuditEvents()) != 2 {
		t.Fatalf("audit has %v, %v", got, err)
	}
	deleted, created := got.GetAuditEvents()[0], got.GetAuditEvents()[1]
	if deleted.GetType() != "event_destination_deleted.v0" || created.GetType() != "event_destination_created.v0" || created.GetPrincipal() != "ak_1" {
		t.Errorf("audit has %v", got)
	}
	site := created.GetObject().AsMap()["datadog"].(map[string]any)
	if _, leaked := site["api_key"]; leaked || site["ddsite"] != "datadoghq.eu" || time.Since(created.GetTime().AsTime()) > time.Minute {
		t.Errorf("the record is %v", created)
	}
}
