package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"pgregory.net/rapid"

	"sluice.dev/platform/testenv"
)

func TestCanonicalFormOfRandomTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requireRoundTrip(t, &Query{root: genNode(3).Draw(t, "query")})
	})
}

// TestClickHouseAgreesWithMatch holds random trees against random records, in
// the real engine and in memory.
func TestClickHouseAgreesWithMatch(t *testing.T) {
	conn := connect(t)
	rows := []row{full, bare, spoken}
	for i := range 300 {
		rows = append(rows, genRow.Example(i))
	}
	fill(t, conn, rows)

	for _, tt := range conformance {
		requireAgreement(t, conn, mustParse(t, tt.query), rows)
	}
	for _, tt := range parsed {
		requireAgreement(t, conn, mustParse(t, tt.query), rows)
	}
	for _, e := range slices.Concat(examples, celExamples) {
		requireAgreement(t, conn, mustParse(t, e.query), rows)
	}
	rapid.Check(t, func(t *rapid.T) {
		requireAgreement(t, conn, &Query{root: genNode(3).Draw(t, "query")}, rows)
	})
	// The same in CEL.
	rapid.Check(t, func(t *rapid.T) {
		q := &Query{root: genNode(3).Draw(t, "query")}
		again, ok := throughCEL(t, q)
		if !ok {
			return
		}
		requireAgreement(t, conn, again, rows)
		for _, r := range rows {
			if Match(q, r, noon) != Match(again, r, noon) {
				t.Fatalf("%s\nas CEL %s\nfinds something else", q, q.CEL())
			}
		}
	})
	// Leaves alone, plain and negated, since in a tree one may hide another.
	rapid.Check(t, func(t *rapid.T) {
		n := genNode(0).Draw(t, "leaf")
		requireAgreement(t, conn, &Query{root: n}, rows)
		requireAgreement(t, conn, &Query{root: negate(n)}, rows)
	})
}

// TestClickHouseAgreesOnBinary is about values that are not UTF-8, such as bodies.
// Free text is left out: without case, ClickHouse finds words there by luck.
func TestClickHouseAgreesOnBinary(t *testing.T) {
	conn := connect(t)
	var rows []row
	for _, s := range []string{"a\xffb", "\xff", "a\xc3", "\xe2\x82ab", "ab\xffab", "aab\xff", "\xffa b\x00", "ab"} {
		rows = append(rows, row{text: map[string]string{"req_body": s}, headers: map[string]map[string][]string{"req_headers": {"a": {s}}}})
	}
	fill(t, conn, rows)
	for _, query := range []string{`body:*`, `body:a*b`, `body:*a*b`, `body:*a*b*`, `body:?`, `body:a?b`, `body:a*`, `body:*b`, `body:*a?b`, `header.a:a*b`, `header.a:*ab`} {
		requireAgreement(t, conn, mustParse(t, query), rows)
		requireAgreement(t, conn, mustParse(t, "-"+query), rows)
	}
}

// throughCEL prints a query as CEL and reads that; false if it grew too long.
func throughCEL(t failer, q *Query) (*Query, bool) {
	text := celPrefix + q.CEL()
	if len(text) > maxQuery {
		return nil, false
	}
	again, err := Parse(text)
	var e *SyntaxError
	if errors.As(err, &e) && strings.Contains(e.Message, "may have at most") {
		return nil, false
	}
	if err != nil {
		t.Fatalf("%s does not parse: %v", text, err)
	}
	return again, true
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func requireAgreement(t failer, conn driver.Conn, q *Query, rows []row) {
	t.Helper()
	where, params := SQL(q, noon)
	got, err := find(conn, where, params)
	if err != nil {
		t.Fatalf("%s\nWHERE %s\n%+v\n%v", q, where, params, err)
	}
	for _, r := range rows {
		inStore, inMemory := slices.Contains(got, r.text["id"]), Match(q, r, noon)
		if inStore != inMemory {
			t.Fatalf("%s\nWHERE %s\n%+v\nClickHouse %v, matcher %v: %+v", q, where, params, inStore, inMemory, r)
		}
	}
}

func find(conn driver.Conn, where string, params []Param) ([]string, error) {
	var args []any
	for _, p := range params {
		args = append(args, clickhouse.Named(p.Name, p.Value))
	}
	rows, err := conn.Query(context.Background(), "SELECT id FROM captures WHERE "+where+"", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func connect(t *testing.T) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(testenv.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// fill gives every row an id and stores it.
func fill(t *testing.T, conn driver.Conn, rows []row) {
	t.Helper()
	ctx := context.Background()
	if err := conn.Exec(ctx, createTable()); err != nil {
		t.Fatal(err)
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO captures")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if rows[i].text == nil {
			rows[i].text = map[string]string{}
		}
		rows[i].text["id"] = fmt.Sprintf("req_%03d", i)
		if err := batch.Append(rows[i].values()...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}
