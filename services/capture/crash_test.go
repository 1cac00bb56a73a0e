package capture_test

import (
	"log/slog"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

// diedBeforePublishing leaves rows in ClickHouse as a process does that was killed
// between the insert and the publication.
func (in installation) diedBeforePublishing(writer string, b *capturev1.Batch) {
	in.t.Helper()
	limits := store.Limits{Time: 10 * time.Second, Rows: 1e9, Bytes: 1e12}
	s, err := store.Open(in.t.Context(), in.dsn, 72*time.Hour, limits, clock.System{}, slog.New(slog.DiscardHandler))
	if err != nil {
		in.t.Fatal(err)
	}
	defer s.Close()
	rows := store.NewBatch(b)
	rows.Stamp(writer, heads.Seq(time.Now()))
	if err := s.Insert(in.t.Context(), rows); err != nil {
		in.t.Fatal(err)
	}
}

func TestRowsOfAKilledProcessAreFollowedAndNotStoredTwice(t *testing.T) {
	in := install(t)
	exchanges := sample.Some(1, 30, time.Now(), time.Millisecond)
	b := newBatch(exchanges...)
	in.diedBeforePublishing("w1", b)

	p := in.start("w1")
	if got, _ := p.follow(&capturev1.FollowLogRequest{Position: "0"}, 30); !slices.Equal(got, idsOf(exchanges)) {
		t.Errorf("the log has %d exchanges of 30", len(got))
	}
	p.connect().store(b)
	if got := p.count(); got != 30 {
		t.Errorf("%v rows are stored, want 30", got)
	}
}

func TestRowsOfAProcessThatIsGoneAreAdopted(t *testing.T) {
	in := install(t)
	gone := in.start("gone")
	gone.connect().store(newBatch(sample.Some(1, 5, time.Now(), time.Millisecond)...))
	gone.stop()
	lost := sample.Some(2, 5, time.Now(), time.Millisecond)
	in.diedBeforePublishing("gone", newBatch(lost...))

	p := in.start("w1")
	got, _ := p.follow(&capturev1.FollowLogRequest{Position: "0"}, 10)
	if !slices.Equal(got[5:], idsOf(lost)) {
		t.Error("the rows of a writer that is gone are not followed")
	}
}

func TestNothingIsAcknowledgedBeforeItIsPublished(t *testing.T) {
	server := testenv.Redis(t)
	in := installation{t, testenv.ClickHouse(t), server.URL()}
	p := in.start("w1")
	s := p.connect()
	b := newBatch(sample.Some(1, 10, time.Now(), time.Millisecond)...)
	server.Pause()
	if err := s.Send(&capturev1.IngestRequest{Batch: b}); err != nil {
		t.Fatal(err)
	}
	acked := make(chan error, 1)
	go func() {
		_, err := s.Recv()
		acked <- err
	}()
	select {
	case err := <-acked:
		t.Fatalf("an answer came while Redis was away: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	server.Resume()
	if err := <-acked; err != nil {
		t.Fatal(err)
	}
	if got, _ := p.follow(&capturev1.FollowLogRequest{Position: "0"}, 10); len(got) != 10 {
		t.Errorf("%d rows are followed, want 10", len(got))
	}
}

func TestHeadsComeBackWhenRedisForgets(t *testing.T) {
	in := install(t)
	gone, p := in.start("gone"), in.start("w1")
	gone.connect().store(newBatch(sample.Some(1, 3, time.Now(), time.Millisecond)...))
	p.connect().store(newBatch(sample.Some(2, 3, time.Now(), time.Millisecond)...))
	gone.stop()
	options, err := redis.ParseURL(in.redis)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	q := in.start("w2")
	if got, _ := q.follow(&capturev1.FollowLogRequest{Position: "0"}, 6); len(got) != 6 {
		t.Errorf("%d rows are followed, want 6", len(got))
	}
}

func TestKilledEngineLosesNothing(t *testing.T) {
	engine := testenv.ClickHouseProcess(t)
	in := installation{t, engine.DSN(), testenv.SharedRedis(t).URL()}
	p := in.start("w1")
	s := p.connect()
	var want []string
	for round := range uint64(12) {
		var batches []*capturev1.Batch
		for i := range uint64(3) {
			exchanges := sample.Some(3*round+i, 25, time.Now(), time.Microsecond)
			batches, want = append(batches, newBatch(exchanges...)), append(want, idsOf(exchanges)...)
		}
		if round%4 == 1 {
			time.AfterFunc(time.Duration(5*round)*time.Millisecond, func() { _ = syscall.Kill(engine.PID(), syscall.SIGKILL) })
		}
		s.store(batches...)
	}
	got, _ := p.follow(&capturev1.FollowLogRequest{Position: "0", BatchSize: 100}, len(want))
	if !slices.Equal(got, want) {
		t.Errorf("the log has %d exchanges in another order or number than the %d that were acknowledged", len(got), len(want))
	}
	if n := p.count(); n != float64(len(want)) {
		t.Errorf("%v rows are stored, want %d", n, len(want))
	}
}

func TestServiceWaitsForWhatIsAway(t *testing.T) {
	server := testenv.Redis(t)
	in := installation{t, testenv.ClickHouse(t), server.URL()}
	server.Kill()
	p := in.run("w1")
	if p.svc.Ready() == nil {
		t.Error("capture is ready without Redis")
	}
	if _, err := p.capture.ListExchanges(t.Context(), &capturev1.ListExchangesRequest{}); err == nil {
		t.Error("a list is answered without ClickHouse")
	}
	server.Restart()
	testenv.Eventually(t, 20*time.Second, func() bool { return p.svc.Ready() == nil }, "capture is ready")
}

func TestSecondProcessWithTheSameWriterTakesOver(t *testing.T) {
	in := install(t)
	first := in.start("w1")
	second := in.start("w1")
	testenv.Eventually(t, 20*time.Second, func() bool { return first.svc.Ready() != nil }, "the first process says that it is not ready")
	second.connect().store(newBatch(sample.Some(1, 3, time.Now(), time.Millisecond)...))
	if second.svc.Ready() != nil {
		t.Error("the second process is not ready")
	}
}

func TestWriterOfLongAgoIsForgotten(t *testing.T) {
	in := install(t)
	options, err := redis.ParseURL(in.redis)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	key := "{" + t.Name() + "}:capture:committed"
	if err := client.HSet(t.Context(), key, "ancient", heads.Seq(time.Now().Add(-200*time.Hour))).Err(); err != nil {
		t.Fatal(err)
	}
	in.start("w1")
	testenv.Eventually(t, 10*time.Second, func() bool { return !client.HExists(t.Context(), key, "ancient").Val() }, "the writer is forgotten")
}
