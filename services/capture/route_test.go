package capture_test

import (
	"slices"
	"testing"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
)

// requests are exchanges with the given paths, a second apart.
func requests(paths ...string) []*capturev1.Exchange {
	all := sample.Some(uint64(len(paths)), len(paths), time.Now().Add(-time.Minute), time.Second)
	for i, e := range all {
		e.Request.Path = paths[i]
	}
	return all
}

func TestExchangesHaveRoutes(t *testing.T) {
	p := install(t).start("w1")
	s := p.connect()
	s.store(newBatch(requests("/users/1", "/users/2", "/users/3/orders/550e8400-e29b-41d4-a716-446655440000", "/shops/main")...))

	found := p.list(&capturev1.ListExchangesRequest{Filter: `route:"/users/{id}"`})
	if len(found.GetExchanges()) != 2 || found.GetExchanges()[0].GetRoute() != "/users/{id}" || len(found.GetHints())+len(found.GetUnknownFields()) > 0 {
		t.Errorf("found %v", found)
	}
	groups, err := p.capture.AggregateExchanges(t.Context(), &capturev1.AggregateExchangesRequest{
		Aggregation: capturev1.Aggregation_AGGREGATION_COUNT, GroupBy: []string{"route"},
	})
	if err != nil || len(groups.GetSeries()) != 3 || groups.GetSeries()[0].GetGroup()[0] != "/users/{id}" {
		t.Errorf("groups %v, %v", groups, err)
	}
	list, err := p.routes.ListRoutes(t.Context(), &capturev1.ListRoutesRequest{EndpointId: "ep_1"})
	if err != nil || !hasRoute(list, "/users/{id}", 2) && !hasRoute(list, "/users/{id}", 1) || !hasRoute(list, "/users/{id}/orders/{id}", 1) {
		t.Errorf("routes %v, %v", list, err)
	}

	made, err := p.routes.CreateRouteRule(t.Context(), &capturev1.CreateRouteRuleRequest{Rule: &capturev1.RouteRule{Template: "/shops/{shop}"}})
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, func() bool {
		s.store(newBatch(requests("/shops/other")...))
		return len(p.list(&capturev1.ListExchangesRequest{Filter: `cel: http.route == "/shops/{shop}"`}).GetExchanges()) > 0
	}, "the rule gives exchanges their route")
	if _, err := p.routes.CreateRouteRule(t.Context(), &capturev1.CreateRouteRuleRequest{Rule: &capturev1.RouteRule{Template: "/a{b}"}}); !errs.Is(err, errs.ReasonInvalid) {
		t.Errorf("a faulty rule: %v", err)
	}
	if _, err := p.routes.DeleteRouteRule(t.Context(), &capturev1.DeleteRouteRuleRequest{Id: made.GetRule().GetId()}); err != nil {
		t.Error(err)
	}
	if rules, err := p.routes.ListRouteRules(t.Context(), &capturev1.ListRouteRulesRequest{}); err != nil || len(rules.GetRules()) != 0 {
		t.Errorf("%v, %v", rules, err)
	}
}

func hasRoute(list *capturev1.ListRoutesResponse, route string, requests uint64) bool {
	return slices.ContainsFunc(list.GetRoutes(), func(r *capturev1.ListRoutesResponse_Route) bool {
		return r.GetRoute() == route && r.GetRequests() == requests && r.GetEndpointName() == "shop" && r.GetLastSeenAt() != nil
	})
}

func TestViewsOverTheAPI(t *testing.T) {
	p := install(t).start("w1")
	made, err := p.views.CreateView(t.Context(), &capturev1.CreateViewRequest{View: &capturev1.View{Name: "errors", Filter: "status:5xx"}})
	if err != nil {
		t.Fatal(err)
	}
	id := made.GetView().GetId()
	if _, err := p.views.UpdateView(t.Context(), &capturev1.UpdateViewRequest{View: &capturev1.View{Id: id, Range: "7d"}}); err != nil {
		t.Error(err)
	}
	if got, err := p.views.GetView(t.Context(), &capturev1.GetViewRequest{Id: id}); err != nil || got.GetView().GetRange() != "7d" || got.GetView().GetName() != "errors" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := p.views.CreateView(t.Context(), &capturev1.CreateViewRequest{View: &capturev1.View{Name: "x", Filter: "cel: a ="}}); errs.As(err) == nil || len(errs.As(err).Violations) == 0 {
		t.Errorf("a faulty filter: %v", err)
	}
	if _, err := p.views.DeleteView(t.Context(), &capturev1.DeleteViewRequest{Id: id}); err != nil {
		t.Error(err)
	}
	if list, err := p.views.ListViews(t.Context(), &capturev1.ListViewsRequest{}); err != nil || len(list.GetViews()) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestSearchIsValidatedOverTheAPI(t *testing.T) {
	p := install(t).start("w1")
	got, err := p.capture.ValidateSearch(t.Context(), &capturev1.ValidateSearchRequest{Filter: "*:x @colour:red"})
	if err != nil || got.GetPrinted() != "*:x AND @colour:red" || len(got.GetHints()) != 2 || len(got.GetUnknownFields()) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}
