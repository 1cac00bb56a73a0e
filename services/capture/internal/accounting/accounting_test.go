package accounting_test

import (
	"testing"
	"time"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/accounting"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// A proxy dies with 30 exchanges on their way, 5 of which it had not even
// reported; its successor finds them in the spool.
func TestWhatADeadProxyLeftIsCountedOnce(t *testing.T) {
	db, err := redisdb.Open(redisdb.Config{URL: testenv.SharedRedis(t).URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	book := accounting.NewBook(db, clock.NewFake(time.Unix(1_790_000_000, 0)))
	for _, run := range []*capturev1.ProxyAccounting{
		{ProxyId: "px_dead", Seen: 100, Stored: 70, Sampled: 3, Dropped: map[string]uint64{"queue_full": 2}, Pending: 25},
		{ProxyId: "px_next", Seen: 10, Stored: 10, Recovered: 30},
	} {
		if err := book.Report(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	total, runs, err := book.All(t.Context())
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	if total.GetSeen() != 115 || total.GetStored() != 110 || total.GetPending() != 0 || total.GetDropped()["queue_full"] != 2 {
		t.Errorf("total: %v", total)
	}
	if total.GetSeen() != total.GetStored()+total.GetSampled()+total.GetDropped()["queue_full"]+total.GetPending() {
		t.Errorf("the books do not balance: %v", total)
	}
}
