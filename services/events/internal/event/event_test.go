package event_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/events/internal/event"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func exchange(t *testing.T, name string) *capturev1.Exchange {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".exchange.json"))
	if err != nil {
		t.Fatal(err)
	}
	ex := &capturev1.Exchange{}
	if err := protojson.Unmarshal(raw, ex); err != nil {
		t.Fatal(err)
	}
	return ex
}

func TestEventsLookAsPublished(t *testing.T) {
	cases := []struct {
		name   string
		fields []string
	}{
		{name: "answered"},
		{name: "client_gone"},
		{name: "selected", fields: []string{"conn.client_ip", "http.response.status_code", "http.request.url.path", "oauth.user.id"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			source := c.name
			if c.fields != nil {
				source = "answered"
			}
			s, err := event.Select("fields", c.fields)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := s.Event(exchange(t, source), "ac_example").JSON()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, c.name+".event.json", raw)
		})
	}
}

func golden(t *testing.T, name string, raw []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, pretty.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Errorf("%s differs from what is sent:\n%s", path, pretty.String())
	}
}

func TestSendingAnExchangeAgainRepeatsTheID(t *testing.T) {
	s, err := event.Select("fields", nil)
	if err != nil {
		t.Fatal(err)
	}
	ex := exchange(t, "answered")
	first, second := s.Event(ex, "a"), s.Event(ex, "a")
	if first.ID != second.ID || first.ID != "ev_01K9ZX4T2M8N7QJ5W3E6R1Y0BC" {
		t.Errorf("ids are %q and %q", first.ID, second.ID)
	}
}

func TestUnknownFieldIsRefusedWithWhatWasMeant(t *testing.T) {
	_, err := event.Select("sources[0].fields", []string{"conn.client_ip", "http.response.statuscode"})
	e := errs.As(err)
	if e == nil || len(e.Violations) != 1 {
		t.Fatalf("error is %v", err)
	}
	v := e.Violations[0]
	if v.Field != "sources[0].fields[1]" || !strings.Contains(v.Hint, `"http.response.status_code"`) || v.Code != "SLUICE_5403" {
		t.Errorf("violation is %+v", v)
	}
}

// A name that a search finds must be the name that an export sends.
func TestSearchableEventPathsExist(t *testing.T) {
	paths := map[string]event.Field{}
	for _, f := range event.Fields() {
		paths[f.Path] = f
	}
	for _, f := range search.Fields() {
		if f.Event == "" || f.Family || f.Type == search.Time {
			continue
		}
		got, ok := paths[f.Event]
		if !ok {
			t.Errorf("search knows %q, events do not", f.Event)
		} else if f.Unsupported == "" && !got.Recorded {
			t.Errorf("search finds %q, events never send it", f.Event)
		}
	}
}

func TestFieldsAreInOrderAndUnique(t *testing.T) {
	last := ""
	for _, f := range event.Fields() {
		if f.Path <= last || f.Doc == "" {
			t.Errorf("%q after %q, doc %q", f.Path, last, f.Doc)
		}
		last = f.Path
	}
}

func TestTestEventCarriesNothing(t *testing.T) {
	e := event.NewTest(time.Date(2026, 11, 12, 8, 0, 0, 0, time.UTC))
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"event_id":"` + e.ID + `","event_type":"test","event_timestamp":"2026-11-12T08:00:00Z","object":{}}`
	if string(raw) != want {
		t.Errorf("got %s, want %s", raw, want)
	}
}

func TestWhoItWas(t *testing.T) {
	s, err := event.Select("fields", []string{"basic_auth.username", "oauth.user.name", "usr.name"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		policy *capturev1.PolicyResult
		want   map[string]any
	}{
		"basic": {&capturev1.PolicyResult{UserName: "ada", BasicAuthDecision: "allow"}, map[string]any{"basic_auth": map[string]any{"username": "ada"}, "usr": map[string]any{"name": "ada"}}},
		"login": {&capturev1.PolicyResult{UserName: "ada@example.com", Decisions: map[string]string{"oauth": "allow"}}, map[string]any{"oauth": map[string]any{"user": map[string]any{"name": "ada@example.com"}}, "usr": map[string]any{"name": "ada@example.com"}}},
		"none":  {&capturev1.PolicyResult{Decisions: map[string]string{"oauth": "login"}}, map[string]any{}},
	} {
		if got := s.Event(&capturev1.Exchange{Policy: c.policy}, "a").Object; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestCommonName(t *testing.T) {
	s, err := event.Select("fields", []string{"tls.client_cert.subject.cn"})
	if err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string]any{
		"CN=a": "a", "O=CN=b,CN=a": "a", `O=x\,CN=b+CN=a\+c`: `a\+c`, `O=x\`: nil, "O=x,": nil,
	} {
		e := s.Event(&capturev1.Exchange{Connection: &capturev1.Connection{Tls: &capturev1.Tls{ClientCertificate: &capturev1.ClientCertificate{Subject: subject}}}}, "a")
		if got, _ := e.Lookup("tls.client_cert.subject.cn"); got != want {
			t.Errorf("%s: %v, want %v", subject, got, want)
		}
	}
}

func TestLookup(t *testing.T) {
	s, err := event.Select("fields", nil)
	if err != nil {
		t.Fatal(err)
	}
	e := s.Event(exchange(t, "answered"), "a")
	if v, ok := e.Lookup("http.response.status_code"); !ok || v != uint32(502) {
		t.Errorf("status is %v, %v", v, ok)
	}
	for _, path := range []string{"http.response.nothing", "http.request.method.deeper", "x"} {
		if v, ok := e.Lookup(path); ok {
			t.Errorf("%s is %v", path, v)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	raw, err := os.ReadFile("testdata/answered.exchange.json")
	if err != nil {
		b.Fatal(err)
	}
	ex := &capturev1.Exchange{}
	if err := protojson.Unmarshal(raw, ex); err != nil {
		b.Fatal(err)
	}
	s, _ := event.Select("fields", nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Event(ex, "a").JSON(); err != nil {
			b.Fatal(err)
		}
	}
}
