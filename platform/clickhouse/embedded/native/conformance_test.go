package native_test

import (
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"sluice.dev/platform/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// open connects with the driver's own defaults, as changed by adjust.
func open(t *testing.T, dsn string, adjust ...func(*clickhouse.Options)) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range adjust {
		a(options)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func exec(t *testing.T, conn driver.Conn, sql string, args ...any) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func scan[T any](t *testing.T, conn driver.Conn, sql string, args ...any) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// columns are a type and how the value of row i looks.
var columns = []struct {
	typ   string
	value func(i int) any
}{
	{"UInt64", func(i int) any { return uint64(i) }},
	{"Int8", func(i int) any { return int8(i % 100) }},
	{"Float64", func(i int) any { return float64(i) / 3 }},
	{"Bool", func(i int) any { return i%2 == 0 }},
	{"String", func(i int) any { return fmt.Sprint("row ", i) }},
	{"String", func(i int) any { return strings.Repeat("x\x00é", 10<<10/4) }},
	{"FixedString(3)", func(i int) any { return fmt.Sprintf("%03d", i%1000) }},
	{"UUID", func(i int) any { return uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)) }},
	{"Date", func(i int) any { return time.Date(2024, 2, 1+i%20, 0, 0, 0, 0, time.UTC) }},
	{"DateTime('UTC')", func(i int) any { return time.Unix(1_700_000_000+int64(i), 0).UTC() }},
	{"DateTime64(6, 'UTC')", func(i int) any { return time.UnixMicro(1_700_000_000_123_456 + int64(i)).UTC() }},
	{"IPv4", func(i int) any { return net.IPv4(10, 0, byte(i>>8), byte(i)).To4() }},
	{"IPv6", func(i int) any { return net.ParseIP(fmt.Sprintf("2001:db8::%x", i)) }},
	{"Decimal(18, 4)", func(i int) any { return decimal.New(int64(i)*10001, -4) }},
	{"Enum8('its' = 1, 'b,(' = 2)", func(i int) any { return []string{"its", "b,("}[i%2] }},
	{"LowCardinality(String)", func(i int) any { return fmt.Sprint("kind ", i%300) }},
	{"LowCardinality(Nullable(String))", func(i int) any { return maybe(i, fmt.Sprint("kind ", i%5)) }},
	{"Nullable(String)", func(i int) any { return maybe(i, fmt.Sprint("maybe ", i)) }},
	{"Nullable(Int32)", func(i int) any { return maybe(i, int32(i)) }},
	{"Array(String)", func(i int) any { return repeat(i%4, "element") }},
	{"Array(Array(UInt16))", func(i int) any { return [][]uint16{{}, {uint16(i), 2}}[:i%3] }},
	{"Array(LowCardinality(String))", func(i int) any { return repeat(i%3, fmt.Sprint("low ", i%7)) }},
	{"Map(String, String)", func(i int) any { return map[string]string{"k": fmt.Sprint(i)} }},
	{"Map(LowCardinality(String), Array(String))", func(i int) any { return map[string][]string{"host": repeat(i%2, "v")} }},
	{"Tuple(name String, a_b Nullable(UInt8), low LowCardinality(String))", func(i int) any {
		return map[string]any{"name": fmt.Sprint(i), "a_b": maybe(i, uint8(i)), "low": fmt.Sprint(i % 3)}
	}},
	{"SimpleAggregateFunction(max, UInt64)", func(i int) any { return uint64(i * 2) }},
}

func maybe[T any](i int, v T) *T {
	if i%3 == 0 {
		return nil
	}
	return &v
}

func repeat(n int, s string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

func createTypesTable(t *testing.T, conn driver.Conn) {
	definitions := make([]string, len(columns))
	for i, c := range columns {
		definitions[i] = fmt.Sprintf("c%d %s", i, c.typ)
	}
	exec(t, conn, "CREATE TABLE types ("+strings.Join(definitions, ", ")+") ENGINE = MergeTree ORDER BY c0")
}

func fillTypesTable(t *testing.T, conn driver.Conn, rows int) {
	t.Helper()
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO types")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		row := make([]any, len(columns))
		for j, c := range columns {
			row[j] = c.value(i)
		}
		if err := batch.Append(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

func TestEveryTypeComesBackAsItWentIn(t *testing.T) {
	for name, compression := range map[string]*clickhouse.Compression{
		"plain": nil,
		"LZ4":   {Method: clickhouse.CompressionLZ4},
		"ZSTD":  {Method: clickhouse.CompressionZSTD},
	} {
		t.Run(name, func(t *testing.T) {
			conn := open(t, testenv.ClickHouse(t), func(o *clickhouse.Options) { o.Compression = compression })
			createTypesTable(t, conn)
			const n = 3000
			fillTypesTable(t, conn, n)
			checkTypesTable(t, conn, n)
		})
	}
}

func checkTypesTable(t *testing.T, conn driver.Conn, n int) {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT * FROM types ORDER BY c0")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	i := 0
	for ; rows.Next(); i++ {
		got := make([]any, len(columns))
		for j, typ := range rows.ColumnTypes() {
			got[j] = reflect.New(typ.ScanType()).Interface()
		}
		if err := rows.Scan(got...); err != nil {
			t.Fatal(err)
		}
		for j, c := range columns {
			if want, have := normal(c.value(i)), normal(got[j]); want != have {
				t.Fatalf("row %d, %s: got %.80s, want %.80s", i, c.typ, have, want)
			}
		}
	}
	if err := rows.Err(); err != nil || i != n {
		t.Fatalf("got %d rows, %v; want %d", i, err, n)
	}
}

// normal shows a value whatever pointers lead to it.
func normal(v any) string {
	value := reflect.ValueOf(v)
	for value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return "null"
		}
		value = value.Elem()
	}
	if value.Kind() == reflect.Map {
		var parts []string
		for _, key := range value.MapKeys() {
			parts = append(parts, key.String()+"="+normal(value.MapIndex(key).Interface()))
		}
		slices.Sort(parts)
		return strings.Join(parts, "; ")
	}
	if moment, ok := value.Interface().(time.Time); ok {
		return moment.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(value.Interface())
}
