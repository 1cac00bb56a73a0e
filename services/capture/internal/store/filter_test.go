package store_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	"sluice.dev/platform/testenv"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

func TestFiltersFind(t *testing.T) {
	s := open(t)
	full, bare := sample.Full(noon), sample.Bare(noon.Add(-time.Minute))
	insert(t, s, batch("w", 1, full, bare))
	for filter, want := range map[string]int{
		"": 2, "method:patch": 1, "host:shop.example": 1, "@http.status_code:2xx": 1, "-@http.status_code:*": 1, "status:error": 1,
		"shop": 1, "PATCH shop.example": 1, "hung": 1, `"the upstream"`: 1, "SLUICE_3005": 1, "207": 1, "nothing": 0,
		"header.x-b:1": 1, `header.x-b:"tab*"`: 0, "header.X-B:tab*": 1, "query.x:2": 1, "path:/a*": 1, "duration:>100ms": 1, "duration:<1ns": 1,
		"ip:203.0.113.0/24": 1, "ip:203.0.113.9": 1, "-ip:*": 1, "@network.destination.ip:2001:db8\\:\\:1": 1,
		"@http.request.body_length:>8KB": 1, "user:ada": 1, "replay:ex_0": 1, "trace_id:0af7651916cd43dd8448eb211c80319c": 1,
		"body:*": 1, "resbody:ok": 1, "ua:curl*": 1, "date:>now-5d": 2, "@tls.version:1.3": 1, "upstream:>=100ms": 1, "service:shop": 1,
	} {
		if got := len(all(t, s, filter)); got != want {
			t.Errorf("%s finds %d, want %d", filter, got, want)
		}
	}
}

// FuzzFilter: whatever parses is SQL that ClickHouse takes.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"", "*", "*:*", "@http.status_code:5xx", "-@http.status_code:*", "@http.status_code:[400 TO 499]", "a OR b c", "NOT (a OR b)",
		`@a:"*x*"`, `@a:hello\:world`, "*:hello", `*:"hello world"`, "path:/api\\-v1/*?", "CIDR(@network.client.ip, 10.0.0.0/8, fd00::/8)",
		"header.x:a*b?", "query.é:'", `"\\'"`, "date:[now-1h TO now]", "user:{a}", "{a:String}", "ü*", "status:(error OR 500)", "@conn.server_name:A*",
		`cel: req.url.path.matches("^/v[0-9]+") && a.b > 1`, `cel: "x" in req.headers && anywhere("a*b")`, "@a.b:[1 TO x}", "redacted_by:x country:ch",
		"-duration:>1s", "@http.version:2", "_exists_:user", "ip:1.2.*", "@http.useragent:%_\\%", "-- ;", "/* ?", "path:$1", "@tls.version:>1.2",
	} {
		f.Add(seed)
	}
	s := open(f)
	f.Fuzz(func(t *testing.T, filter string) {
		q, err := search.Parse(filter)
		if err != nil {
			return
		}
		_, _, err = s.List(t.Context(), store.ListQuery{Range: store.Range{From: noon.Add(-time.Hour), Until: noon}, Filter: q, Limit: 1})
		if e := errs.As(err); err != nil && (e == nil || e.Code == codes.Internal) {
			t.Errorf("%q: %v", filter, err)
		}
	})
}

// Every field with every kind of test that the language allows for it.
func TestEveryFieldCanBeFiltered(t *testing.T) {
	s := open(t)
	insert(t, s, batch("w", 1, sample.Full(noon.Add(-time.Second))))
	values := []string{
		"*", "1", "-1", "abc", `"it's \\ {a:String} ?"`, "a*b?", "*x", ">1", "<=2", "[1 TO 2]", "{a TO *]", "(a OR b)", "true",
		"1.5s", ">10ms", "2KB", "5xx", "10.0.0.0/8", "1.2.*", ">now-1h", "2026-01-02", "error", "%_", "ü",
	}
	for _, f := range search.Fields() {
		name := f.Name
		if f.Family {
			name += ".x-y"
		}
		var terms []string
		for _, value := range values {
			if _, err := search.Parse(name + ":" + value); err == nil {
				terms = append(terms, name+":"+value, "-"+name+":"+value)
			}
		}
		if len(terms) == 0 {
			if f.Unsupported == "" {
				t.Errorf("no test of %s was tried", name)
			}
			continue
		}
		if len(all(t, s, strings.Join(terms, " OR "))) != 1 {
			t.Errorf("neither a test of %s nor its opposite holds", name)
		}
	}
}

func TestSearchThatReadsTooMuchIsRefused(t *testing.T) {
	dsn := testenv.ClickHouse(t)
	s, err := store.Open(t.Context(), dsn, 72*time.Hour, store.Limits{Time: time.Second, Rows: 10, Bytes: 1e9}, clock.NewFake(noon), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	insert(t, s, batch("w", 1, sample.Some(1, 5000, noon.Add(-time.Minute), time.Millisecond)...))
	_, _, err = s.List(t.Context(), store.ListQuery{Range: store.Range{From: noon.Add(-time.Hour), Until: noon}, Filter: parse(t, "body:x"), Limit: 1})
	if e := errs.As(err); e == nil || e.Code != codes.ResourceExhausted {
		t.Errorf("got %v", err)
	}
}
