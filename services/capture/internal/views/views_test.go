package views_test

import (
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/views"
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

func create(t *testing.T, s *views.Views, v *capturev1.View) *capturev1.View {
	t.Helper()
	resp, err := s.Create(rpc.WithPrincipal(t.Context(), "ada"), &capturev1.CreateViewRequest{View: v})
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetView()
}

func TestViewsAreKept(t *testing.T) {
	db := database(t)
	s := views.New(db)
	slow := create(t, s, &capturev1.View{Name: " Slow ", Filter: "duration:>1s", Range: "4h", Columns: []string{"time", "path"}, OrderBy: "duration desc"})
	create(t, s, &capturev1.View{Name: "errors", Filter: "cel: res.status_code >= 500"})
	if slow.GetName() != "Slow" || !strings.HasPrefix(slow.GetId(), "vw_") || slow.GetCreatedAt() == nil {
		t.Errorf("got %v", slow)
	}
	list, err := s.List(t.Context())
	if err != nil || len(list.GetViews()) != 2 || list.GetViews()[0].GetName() != "errors" {
		t.Fatalf("%v, %v", list, err)
	}
	if _, err := s.Create(t.Context(), &capturev1.CreateViewRequest{View: &capturev1.View{Name: "SLOW"}}); !errs.Is(err, errs.ReasonAlreadyExists) {
		t.Errorf("the same name: %v", err)
	}
	changed, err := s.Update(t.Context(), &capturev1.UpdateViewRequest{
		View: &capturev1.View{Id: slow.GetId(), Filter: "duration:>2s", Name: "ignored"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"filter", "columns", "id"}},
	})
	if v := changed.GetView(); err != nil || v.GetFilter() != "duration:>2s" || v.GetName() != "Slow" || len(v.GetColumns()) != 0 || v.GetRange() != "4h" {
		t.Errorf("%v, %v", changed, err)
	}
	changed, err = s.Update(t.Context(), &capturev1.UpdateViewRequest{View: &capturev1.View{Id: slow.GetId(), Name: "slower"}})
	if v := changed.GetView(); err != nil || v.GetName() != "slower" || v.GetFilter() != "duration:>2s" {
		t.Errorf("without a mask: %v, %v", changed, err)
	}
	if _, err := s.Delete(t.Context(), &capturev1.DeleteViewRequest{Id: slow.GetId()}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), &capturev1.GetViewRequest{Id: slow.GetId()}); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("got %v", err)
	}
	requireAudit(t, db, "view_created.v0", "view_updated.v0", "view_deleted.v0")
}

func requireAudit(t *testing.T, db *redisdb.DB, types ...string) {
	t.Helper()
	events, _, err := resource.NewAuditLog(db).List(t.Context(), resource.AuditFilter{}, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range types {
		if !slices.ContainsFunc(events, func(e resource.AuditEntry) bool { return e.Type == want }) {
			t.Errorf("no audit record %s", want)
		}
	}
}

func TestViewsAreChecked(t *testing.T) {
	s := views.New(database(t))
	for name, v := range map[string]*capturev1.View{
		"no name":            {Name: "  "},
		"a faulty filter":    {Name: "x", Filter: "(a"},
		"a faulty range":     {Name: "x", Range: "soon"},
		"an unknown order":   {Name: "x", OrderBy: "path"},
		"a column twice":     {Name: "x", Columns: []string{"a", "a"}},
		"a long name":        {Name: strings.Repeat("x", 256)},
		"a column without a": {Name: "x", Columns: []string{""}},
	} {
		if _, err := s.Create(t.Context(), &capturev1.CreateViewRequest{View: v}); errs.As(err) == nil || len(errs.As(err).Violations) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	v := create(t, s, &capturev1.View{Name: "x"})
	for _, mask := range []string{"colour", "filter.x"} {
		if _, err := s.Update(t.Context(), &capturev1.UpdateViewRequest{View: v, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{mask}}}); !errs.Is(err, errs.ReasonInvalid) {
			t.Errorf("%s: %v", mask, err)
		}
	}
	if _, err := s.Update(t.Context(), &capturev1.UpdateViewRequest{View: &capturev1.View{Name: "y"}}); !errs.Is(err, errs.ReasonInvalid) {
		t.Errorf("without an id: %v", err)
	}
}
