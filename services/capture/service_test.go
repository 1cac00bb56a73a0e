package capture_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
)

func idsOf(exchanges []*capturev1.Exchange) []string {
	ids := make([]string, len(exchanges))
	for i, e := range exchanges {
		ids[i] = e.GetId()
	}
	return ids
}

func TestExchangeIsStoredListedAndFound(t *testing.T) {
	p := install(t).start("w1")
	now := time.Now().Add(-time.Minute)
	full, bare := sample.Full(now), sample.Bare(now.Add(time.Second))
	p.connect().store(newBatch(full), newBatch(bare))

	got, err := p.capture.GetExchange(t.Context(), &capturev1.GetExchangeRequest{Id: full.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	full.Route = "/{id}/ü" // which capture finds, whatever the proxy says
	if diff := cmp.Diff(full, got.GetExchange(), protocmp.Transform()); diff != "" {
		t.Errorf("the exchange changed (-want +got):\n%s", diff)
	}
	listed := p.list(&capturev1.ListExchangesRequest{}).GetExchanges()
	if want := []string{bare.GetId(), full.GetId()}; !slices.Equal(idsOf(listed), want) {
		t.Errorf("listed %v, want %v", idsOf(listed), want)
	}
	if len(listed[1].GetRequest().GetBody().GetContent()) > 0 || listed[1].GetRequest().GetBody().GetSize() != 9000 {
		t.Error("a list has a body's size, and not its content")
	}
	if _, err := p.capture.GetExchange(t.Context(), &capturev1.GetExchangeRequest{Id: "ex_nothing"}); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("an unknown id gives %v", err)
	}
}

func TestPagesHoldStillWhileRowsArrive(t *testing.T) {
	p := install(t).start("w1")
	s := p.connect()
	start := time.Now().Add(-time.Hour)
	exchanges := sample.Some(1, 50, start, time.Millisecond)
	for _, e := range exchanges[:20] {
		e.StartTime = timestamppb.New(start) // ids decide
	}
	s.store(newBatch(exchanges...))
	want := idsOf(exchanges)
	slices.Reverse(want)

	var got []string
	for cursor := ""; ; {
		resp := p.list(&capturev1.ListExchangesRequest{Limit: 7, Cursor: cursor})
		got = append(got, idsOf(resp.GetExchanges())...)
		s.store(newBatch(sample.Some(uint64(len(got)), 5, time.Now(), time.Millisecond)...))
		if cursor = resp.GetNextCursor(); cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the pages differ (-want +got):\n%s", diff)
	}
}

func TestResentBatchIsStoredOnce(t *testing.T) {
	in := install(t)
	p := in.start("w1")
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	b := newBatch(sample.Some(1, 20, midnight.Add(-10*time.Second), time.Second)...)
	s, other := p.connect(), p.connect()
	for _, one := range []stream{s, other, s, other} { // the first is in flight when the others come
		if err := one.Send(&capturev1.IngestRequest{Batch: b}); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range []stream{s, other, s, other} {
		if ack, err := one.Recv(); err != nil || ack.GetBatchId() != b.GetId() {
			t.Fatal(ack, err)
		}
	}
	p.stop()
	p = in.start("w1") // remembers nothing
	p.connect().store(b)
	q := in.start("w2") // another process gets it
	q.connect().store(b)
	testRange := &capturev1.ListExchangesRequest{StartTime: timestamppb.New(midnight.Add(-time.Hour)), EndTime: timestamppb.New(midnight.Add(time.Hour)), Limit: 1000}
	if got := len(p.list(testRange).GetExchanges()); got != 20 {
		t.Errorf("%d rows are stored of a batch of 20 that was sent 6 times", got)
	}
}

func TestFollowFromTheOldestWithTwoWriters(t *testing.T) {
	in := install(t)
	p, q := in.start("w1"), in.start("w2")
	a, b := sample.Some(1, 300, time.Now().Add(-time.Minute), time.Millisecond), sample.Some(2, 300, time.Now().Add(-time.Hour), time.Millisecond)
	sp, sq := p.connect(), q.connect()
	for i := 0; i < 300; i += 50 {
		sp.store(newBatch(a[i : i+50]...))
		sq.store(newBatch(b[i : i+50]...))
	}
	first, position := q.follow(&capturev1.FollowLogRequest{Position: "0", BatchSize: 70}, 200)
	rest, position := p.follow(&capturev1.FollowLogRequest{Position: position, BatchSize: 70}, 600-len(first))
	got := slices.Concat(first, rest)
	if len(got) != 600 {
		t.Fatalf("%d exchanges, want 600", len(got))
	}
	for name, want := range map[string][]*capturev1.Exchange{"w1": a, "w2": b} {
		if diff := cmp.Diff(idsOf(want), only(got, want)); diff != "" {
			t.Errorf("the log of %s differs (-want +got):\n%s", name, diff)
		}
	}
	r := in.start("w3") // a writer that was not there before
	c := sample.Some(3, 10, time.Now(), time.Millisecond)
	r.connect().store(newBatch(c...))
	more, _ := p.follow(&capturev1.FollowLogRequest{Position: position}, 10)
	if diff := cmp.Diff(idsOf(c), more); diff != "" {
		t.Errorf("the log of a new writer differs (-want +got):\n%s", diff)
	}
}

// only is what of got is among want, in got's order.
func only(got []string, want []*capturev1.Exchange) []string {
	ids := idsOf(want)
	return slices.DeleteFunc(slices.Clone(got), func(id string) bool { return !slices.Contains(ids, id) })
}

func TestTailSendsWhatComesAndGoesOn(t *testing.T) {
	p := install(t).start("w1")
	s := p.connect()
	s.store(newBatch(sample.Some(1, 10, time.Now(), time.Millisecond)...))
	tail, err := p.capture.TailExchanges(t.Context(), &capturev1.TailExchangesRequest{Filter: "status:5xx"})
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 5*time.Second, func() bool { return p.metric("sluice_capture_followers") == 1 }, "the tail has begun")
	exchanges := sample.Some(2, 200, time.Now(), time.Millisecond)
	var want []string
	for _, e := range exchanges {
		if e.GetResponse().GetStatusCode() >= 500 {
			want = append(want, e.GetId())
		}
	}
	s.store(newBatch(exchanges[:100]...), newBatch(exchanges[100:]...))
	var got []string
	receive := func(tail capturev1.CaptureService_TailExchangesClient, n int) (position string) {
		for range n {
			m, err := tail.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if len(m.GetExchange().GetResponse().GetBody().GetContent()) > 0 {
				t.Error("a tail sends the content of a body")
			}
			got, position = append(got, m.GetExchange().GetId()), m.GetPosition()
		}
		return position
	}
	position := receive(tail, len(want)/2)
	again, err := p.capture.TailExchanges(t.Context(), &capturev1.TailExchangesRequest{Filter: "status:5xx", Position: position})
	if err != nil {
		t.Fatal(err)
	}
	receive(again, len(want)-len(want)/2)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tail differs (-want +got):\n%s", diff)
	}
}

func TestTailThatBeginsBeforeTheFirstExchange(t *testing.T) {
	p := install(t).start("w1")
	tail, err := p.capture.TailExchanges(t.Context(), &capturev1.TailExchangesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 5*time.Second, func() bool { return p.metric("sluice_capture_followers") == 1 }, "the tail has begun")
	first := sample.Some(1, 1, time.Now(), time.Millisecond)
	p.connect().store(newBatch(first...))
	if m, err := tail.Recv(); err != nil || m.GetExchange().GetId() != first[0].GetId() {
		t.Errorf("got %v, %v", m.GetExchange().GetId(), err)
	}
}

func TestPositionMovesWhenNothingMatches(t *testing.T) {
	p := install(t).start("w1")
	p.connect().store(newBatch(sample.Some(1, 10, time.Now(), time.Millisecond)...))
	s, err := p.capture.FollowLog(t.Context(), &capturev1.FollowLogRequest{Filter: "path:/nowhere", Position: "0"})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if len(page.GetExchanges()) != 0 || page.GetPosition() == "" {
		t.Fatalf("the first page is %v", page)
	}
	other := sample.Some(2, 3, time.Now(), time.Millisecond)
	p.connect().store(newBatch(other...))
	if got, _ := p.follow(&capturev1.FollowLogRequest{Position: page.GetPosition()}, 3); !slices.Equal(got, idsOf(other)) {
		t.Errorf("after the position come %v, want %v", got, idsOf(other))
	}
}

func TestAccountingIsSummed(t *testing.T) {
	p := install(t).start("w1")
	s := p.connect()
	send := func(r *capturev1.ProxyAccounting) {
		if err := s.Send(&capturev1.IngestRequest{ProxyId: r.GetProxyId(), Accounting: r}); err != nil {
			t.Fatal(err)
		}
	}
	early, late := timestamppb.New(time.Now().Add(-time.Second)), timestamppb.Now()
	send(&capturev1.ProxyAccounting{ProxyId: "a", Seen: 10, Stored: 7, Sampled: 1, Dropped: map[string]uint64{"queue_full": 2}, ReportedAt: late})
	send(&capturev1.ProxyAccounting{ProxyId: "a", Seen: 5, Stored: 5, ReportedAt: early}) // came late
	send(&capturev1.ProxyAccounting{ProxyId: "b", Seen: 4, Pending: 3, Recovered: 2, Dropped: map[string]uint64{"queue_full": 1}, ReportedAt: late})
	s.store(newBatch())
	got, err := p.capture.GetAccounting(t.Context(), &capturev1.GetAccountingRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := &capturev1.ProxyAccounting{Seen: 14, Stored: 9, Sampled: 1, Pending: 1, Recovered: 2, Dropped: map[string]uint64{"queue_full": 3}}
	if diff := cmp.Diff(want, got.GetTotal(), protocmp.Transform(), protocmp.IgnoreFields(want, "reported_at")); diff != "" {
		t.Errorf("the total differs (-want +got):\n%s", diff)
	}
	if len(got.GetProxies()) != 2 {
		t.Errorf("%d proxies, want 2", len(got.GetProxies()))
	}
}

func TestBatchesSentToTwoProcessesAtOnceAreStoredOnce(t *testing.T) {
	in := install(t)
	p, q := in.start("w1"), in.start("w2")
	var batches []*capturev1.Batch
	for i := range uint64(20) {
		batches = append(batches, newBatch(sample.Some(i, 10, time.Now(), time.Millisecond)...))
	}
	backwards := slices.Clone(batches)
	slices.Reverse(backwards)
	done := make(chan struct{})
	go func() {
		defer close(done)
		pump(q.connect(), backwards)
	}()
	pump(p.connect(), batches)
	<-done
	if got := p.count(); got != 200 {
		t.Errorf("%v rows are stored of 20 batches of 10", got)
	}
	if ids, _ := p.follow(&capturev1.FollowLogRequest{Position: "0"}, 200); len(ids) != 200 {
		t.Errorf("%d rows are followed", len(ids))
	}
}

func TestFollowerOfAnEmptyLogGetsTheFirstRow(t *testing.T) {
	p := install(t).start("w1")
	s, err := p.capture.FollowLog(t.Context(), &capturev1.FollowLogRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if page, err := s.Recv(); err != nil || page.GetPosition() == "" { // where "now" is
		t.Fatal(page, err)
	}
	exchanges := sample.Some(1, 3, time.Now(), time.Millisecond)
	p.connect().store(newBatch(exchanges...))
	page, err := s.Recv()
	if err != nil || !slices.Equal(idsOf(page.GetExchanges()), idsOf(exchanges)) {
		t.Errorf("the first page is %v, %v", idsOf(page.GetExchanges()), err)
	}
}
