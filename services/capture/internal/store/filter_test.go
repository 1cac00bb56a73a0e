package store_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
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
