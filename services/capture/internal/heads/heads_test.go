package heads_test

import (
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/testenv"
	"sluice.dev/services/capture/internal/heads"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

func open(t *testing.T, url string) *redisdb.DB {
	t.Helper()
	db, err := redisdb.Open(redisdb.Config{URL: url, Namespace: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestHeadsNeverGoBack(t *testing.T) {
	db := open(t, testenv.SharedRedis(t).URL())
	here, there := heads.NewBoard(db, quiet()), heads.NewBoard(db, quiet())
	for _, seq := range []uint64{1795520736133455, 1795520736133456, 7} {
		if err := here.Publish(t.Context(), "w", seq); err != nil {
			t.Fatal(err)
		}
	}
	if err := there.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := there.Heads(); got["w"] != 1795520736133456 {
		t.Errorf("the head is %d", got["w"])
	}
}

func TestReadersAreWoken(t *testing.T) {
	db := open(t, testenv.SharedRedis(t).URL())
	here, there := heads.NewBoard(db, quiet()), heads.NewBoard(db, quiet())
	done := make(chan error, 1)
	go func() { done <- there.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	_, changed := there.Heads()
	if err := here.Publish(t.Context(), "w", 5); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(5 * time.Second):
		t.Fatal("nobody was woken")
	}
	if got, _ := there.Heads(); got["w"] != 5 {
		t.Errorf("the head is %d", got["w"])
	}
}

func TestWhatRedisLosesIsPublishedAgain(t *testing.T) {
	db := open(t, testenv.SharedRedis(t).URL())
	here, there := heads.NewBoard(db, quiet()), heads.NewBoard(db, quiet())
	if err := here.Publish(t.Context(), "w", 5); err != nil {
		t.Fatal(err)
	}
	if err := db.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*heads.Board{here, there} {
		if err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := there.Heads(); got["w"] != 5 {
		t.Errorf("the head is %d", got["w"])
	}
}

func TestTenureIsTakenOver(t *testing.T) {
	db := open(t, testenv.SharedRedis(t).URL())
	first, second := heads.NewTenure(db, "w", quiet()), heads.NewTenure(db, "w", quiet())
	if first.Held() {
		t.Error("a tenure is held before it is claimed")
	}
	begin := time.Now()
	if err := first.Claim(t.Context()); err != nil || !first.Held() {
		t.Fatal(err, first.Held())
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("a tenure that nobody had took %s to claim", took)
	}
	begin = time.Now()
	if err := second.Claim(t.Context()); err != nil || !second.Held() {
		t.Fatal(err, second.Held())
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("what the first may still insert was given %s", took)
	}
}

func TestSequenceNumbersTellTheTime(t *testing.T) {
	now := time.Now().Truncate(time.Microsecond)
	if got := heads.Time(heads.Seq(now)); !got.Equal(now) {
		t.Errorf("%s became %s", now, got)
	}
}
