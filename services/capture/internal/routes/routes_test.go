package routes_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/routes"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

func database(t *testing.T) *redisdb.DB {
	t.Helper()
	db, err := redisdb.Open(redisdb.Config{URL: testenv.SharedRedis(t).URL(), Namespace: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// process runs templates of a capture process until the test ends.
func process(t *testing.T, db *redisdb.DB) *routes.Templates {
	t.Helper()
	templates := routes.New(db, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- templates.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return templates
}

func exchange(path string, status uint32) *capturev1.Exchange {
	return &capturev1.Exchange{
		EndpointId: "ep_1", Request: &capturev1.Request{Path: path}, Response: &capturev1.Response{StatusCode: status},
	}
}

// Two processes that share Redis: what one learns, both know; names that many ask
// for stay; what was not found teaches nothing.
func TestManyNamesBecomeAParameter(t *testing.T) {
	db := database(t)
	one, two := process(t, db), process(t, db)
	for i := range 150 {
		one.Label([]*capturev1.Exchange{
			exchange("/tenants/tenant-"+word(i)+"/users", 200), exchange("/tenants/me/users", 200), exchange("/scan-"+word(i), 404),
		})
	}
	for name, p := range map[string]*routes.Templates{"the one that learned": one, "the other": two} {
		testenv.Eventually(t, 20*time.Second, func() bool { return p.Route("ep_1", "/tenants/something/users") == "/tenants/{id}/users" }, name+" knows the parameter")
		for path, want := range map[string]string{
			"/tenants/me/users": "/tenants/me/users", "/tenants": "/tenants", "/scan-aa": "/scan-aa", "/tenants/other/users/8": "/tenants/{id}/users/{id}",
		} {
			if got := p.Route("ep_1", path); got != want {
				t.Errorf("%s: %s becomes %s, want %s", name, path, got, want)
			}
		}
		if got := p.Route("ep_2", "/tenants/something/users"); got != "/tenants/something/users" {
			t.Errorf("%s: another endpoint has %s", name, got)
		}
	}
	// What was learned outlives the processes.
	three := process(t, db)
	testenv.Eventually(t, 20*time.Second, func() bool { return three.Route("ep_1", "/tenants/x") == "/tenants/{id}" }, "a new process knows the parameter")
}

// word is a name without a digit.
func word(i int) string { return string([]byte{byte('a' + i/26), byte('a' + i%26)}) }

func TestRulesAreFollowed(t *testing.T) {
	db := database(t)
	templates, rules := process(t, db), routes.NewRules(db)
	create := func(endpoint, template string) (*capturev1.RouteRule, error) {
		resp, err := rules.Create(t.Context(), &capturev1.CreateRouteRuleRequest{Rule: &capturev1.RouteRule{EndpointId: endpoint, Template: template}})
		return resp.GetRule(), err
	}
	made, err := create("", "/shops/{shop}")
	if err != nil || made.GetId() == "" || made.GetCreatedAt() == nil {
		t.Fatalf("%v, %v", made, err)
	}
	testenv.Eventually(t, 10*time.Second, func() bool { return templates.Route("ep_1", "/shops/main") == "/shops/{shop}" }, "the rule applies")
	if _, err := create("", "/shops/{name}"); !errs.Is(err, errs.ReasonAlreadyExists) {
		t.Errorf("the same rule again: %v", err)
	}
	if _, err := create("ep_1", "/shops/{name}"); err != nil {
		t.Errorf("the same for an endpoint: %v", err)
	}
	testenv.Eventually(t, 10*time.Second, func() bool { return templates.Route("ep_1", "/shops/main") == "/shops/{name}" }, "the endpoint's own rule wins")
	if got := templates.Route("ep_2", "/shops/main"); got != "/shops/{shop}" {
		t.Errorf("another endpoint has %s", got)
	}
	if list, err := rules.List(t.Context()); err != nil || len(list.GetRules()) != 2 || list.GetRules()[0].GetId() != made.GetId() {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := rules.Delete(t.Context(), &capturev1.DeleteRouteRuleRequest{Id: made.GetId()}); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 10*time.Second, func() bool { return templates.Route("ep_2", "/shops/main") == "/shops/main" }, "the rule is gone")
	if _, err := rules.Delete(t.Context(), &capturev1.DeleteRouteRuleRequest{Id: made.GetId()}); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("deleted again: %v", err)
	}
}

func TestNoEndpointNoRoute(t *testing.T) {
	templates := routes.New(database(t), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	e := exchange("/users/8", 200)
	e.EndpointId = ""
	templates.Label([]*capturev1.Exchange{e, exchange("/users/8", 200)})
	if e.GetRoute() != "" {
		t.Errorf("the route is %s", e.GetRoute())
	}
}

func BenchmarkLabel(b *testing.B) {
	db, err := redisdb.Open(redisdb.Config{URL: "redis://127.0.0.1:1/0"})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	templates := routes.New(db, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	var batch []*capturev1.Exchange
	for i := range 1000 {
		batch = append(batch, exchange(fmt.Sprintf("/api/v1/customers/%d/orders/%d", i%90, i*7), 200))
	}
	b.ReportAllocs()
	for b.Loop() {
		templates.Label(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/exchange")
}
