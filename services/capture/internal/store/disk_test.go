package store_test

import (
	"log/slog"
	"testing"
	"time"

	"sluice.dev/platform/clickhouse"
	"sluice.dev/platform/clock"
	"sluice.dev/platform/testenv"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

func optionsOf(o store.Options) store.Options {
	o.Limits = limits
	if o.Retention.Exchanges == 0 {
		o.Retention.Exchanges = 72 * time.Hour
	}
	return o
}

func openWith(t *testing.T, dsn string, o store.Options) *store.Store {
	t.Helper()
	s, err := optionsOf(o).Open(t.Context(), dsn, clock.NewFake(noon), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestOldestPartsGoWhenTheDiskLimitIsReached(t *testing.T) {
	dsn := testenv.ClickHouse(t)
	s := openWith(t, dsn, store.Options{ByteLimit: 300 << 10})
	for i := range uint64(12) { // of three days, oldest first
		insert(t, s, batch("w", 1+1000*i, sample.Some(i, 400, noon.Add(-60*time.Hour+time.Duration(i)*5*time.Hour), time.Second)...))
	}
	before := len(all(t, s, ""))
	freed, err := s.Trim(t.Context())
	if err != nil || freed == 0 {
		t.Fatal(freed, err)
	}
	tables, free, err := s.Usage(t.Context())
	if err != nil || free == 0 {
		t.Fatal(free, err)
	}
	sum := uint64(0)
	for _, table := range tables {
		sum += table.Bytes
	}
	if sum > 300<<10 || tables[0].Rows == 0 {
		t.Errorf("%d rows in %d bytes are left", tables[0].Rows, sum)
	}
	left := all(t, s, "")
	newest, oldest := left[0].GetStartTime().AsTime(), left[len(left)-1].GetStartTime().AsTime()
	if before != 1000 || newest.Before(noon.Add(-6*time.Hour)) || !oldest.After(noon.Add(-60*time.Hour)) || !tables[0].Oldest.Equal(oldest) && len(left) < 1000 {
		t.Errorf("what is left is from %s to %s; the oldest is said to be of %s", oldest, newest, tables[0].Oldest)
	}
	if again, err := s.Trim(t.Context()); again != 0 || err != nil {
		t.Errorf("trimmed once more: %d, %v", again, err)
	}
}

// Rows past their time are taken off the disk by merges, here asked for.
func TestRetentionByKindFreesTheDisk(t *testing.T) {
	dsn := testenv.ClickHouse(t)
	s := openWith(t, dsn, store.Options{Retention: store.Retention{Exchanges: 48 * time.Hour, Bodies: time.Hour, Messages: 24 * time.Hour}})
	old, e := sample.Full(time.Now().Add(-30*time.Hour)), sample.Full(time.Now().Add(-2*time.Hour))
	for _, one := range []*store.Batch{batch("w", 1, old), batch("w", 2, e)} {
		insert(t, s, one)
	}
	big := sample.Full(time.Now().Add(-2 * time.Hour))
	big.Response.Body.Content = noise(50_000)
	insert(t, s, batch("w", 3, big))
	conn, err := clickhouse.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, table := range []string{"exchanges", "bodies", "messages"} {
		if err := conn.Exec(t.Context(), "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
			t.Fatal(err)
		}
	}
	tables, _, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]uint64{}
	for _, table := range tables {
		rows[table.Table] = table.Rows
	}
	if rows["exchanges"] != 3 || rows["bodies"] != 0 || rows["messages"] != 4 {
		t.Errorf("rows left are %v", rows)
	}
	if _, content, err := bodyOf(t, s, big.GetId(), response); err != nil || len(content) != 16<<10 {
		t.Errorf("%d bytes of a body whose parts are gone: %v", len(content), err)
	}
}
