package store_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

// scraps are what random searches are made of.
var scraps = []string{
	"a", "*", "?", ":", "@", "-", "!", "(", ")", "[", "]", "{", "}", " ", " ", " ", "\"", "\\", "'", "`", ",", ".", "/", "%", "_", ";", "--", "/*", "#", "~", "^", "=", "|", "&", "\n", "ü", "日", "\x00", "\xff",
	" AND ", " OR ", " NOT ", " TO ", "CIDR(", "5xx", "500", "-5", "1.5s", ">", "<=", "now-15m", "2026-11-24", "10.0.0.0/8", "::1", "{p1:String}", "$1", "@a1", "1=1", "OR 1=1", ") OR (1",
	"status:", "@http.status_code:", "method:", "path:", "ip:", "date:", "duration:", "header.x:", "query.q:", "body:", "@a.b:", "env:", "user:", "redacted_by:", "country:", "*:", "_exists_:", "messages:", "ttfb:",
	"cel:", "req.method", "res.status_code", "req.headers[\"x\"]", " == ", " != ", " >= ", " in ", "\"x\"", "1", " && ", " || ", ".matches(", ".startsWith(", ".exists(v, v", "has(", "duration(\"1s\")", "now", "[1, 2]", "words(", "ev[", "true", "null",
}

// Whatever parses is SQL that ClickHouse takes, finds nothing outside of the range,
// and finds each exchange or its opposite does.
func TestRandomSearchesAreHarmless(t *testing.T) {
	s := open(t)
	inside, before, after := sample.Full(noon.Add(-time.Minute)), sample.Full(noon.Add(-3*time.Hour)), sample.Full(noon.Add(3*time.Hour))
	insert(t, s, batch("w", 1, inside, before, after))
	between := store.Range{From: noon.Add(-time.Hour), Until: noon}
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 7)) //nolint:gosec // not secret
	parsed := 0
	for range 500 {
		filter := randomSearch(r)
		q, err := search.Parse(filter)
		if err != nil {
			continue
		}
		parsed++
		found := 0
		for _, one := range []*search.Query{q, q.Not()} {
			order := store.Order{By: store.Sorts()[r.IntN(len(store.Sorts()))], Ascending: r.IntN(2) == 0}
			exchanges, _, err := s.List(t.Context(), store.ListQuery{Range: between, Filter: one, Order: order, Limit: 10})
			if e := errs.As(err); err != nil && (e == nil || e.Code == codes.Internal) {
				t.Fatalf("%q: %v", filter, err)
			}
			for _, e := range exchanges {
				if e.GetId() != inside.GetId() {
					t.Fatalf("%q finds %s, which is outside of the range", filter, e.GetStartTime().AsTime())
				}
				found++
			}
		}
		if found != 1 {
			t.Fatalf("%q and its opposite find %d of 1", filter, found)
		}
	}
	if parsed < 50 {
		t.Errorf("only %d searches parsed", parsed)
	}
}

func randomSearch(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(6) {
		b.WriteString(scraps[r.IntN(len(scraps))])
	}
	return b.String()
}
