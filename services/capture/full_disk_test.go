package capture_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/clickhouse/embedded"
	"sluice.dev/platform/id"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
)

// smallDisk is a file system of its own with size bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func engineIn(t *testing.T, dir string) *embedded.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.Start(t.Context(), embedded.ProcessConfig{
		Command: []string{self}, Env: testenv.ChildEnv(), DataDir: filepath.Join(dir, "data"), CacheDir: t.TempDir(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Stop(context.Background()) })
	return engine
}

func TestFullDiskAcknowledgesNothingAndLosesNothing(t *testing.T) {
	dir := smallDisk(t, "48m")
	filler := filepath.Join(dir, "filler")
	engine := engineIn(t, dir)
	p := installation{t, engine.DSN(), testenv.SharedRedis(t).URL()}.start("w1")
	s := p.connect()
	first := sample.Some(1, 50, time.Now(), time.Microsecond)
	s.store(newBatch(first...))
	if err := os.WriteFile(filler, make([]byte, 1<<26), 0o600); err == nil {
		t.Fatal("the disk did not become full")
	}
	second := sample.Some(2, 2000, time.Now(), time.Microsecond)
	b := newBatch(second...)
	if err := s.Send(&capturev1.IngestRequest{Batch: b}); err != nil {
		t.Fatal(err)
	}
	acked := make(chan error, 1)
	go func() { _, err := s.Recv(); acked <- err }()
	testenv.Eventually(t, 30*time.Second, func() bool { return p.metric("sluice_capture_commit_failures_total") > 0 }, "an insert fails")
	select {
	case err := <-acked:
		t.Fatalf("a batch was answered while the disk was full: %v", err)
	default:
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := <-acked; err != nil {
		t.Fatal(err)
	}
	want := append(idsOf(first), idsOf(second)...)
	if got, _ := p.follow(&capturev1.FollowLogRequest{Position: "0"}, len(want)); !slices.Equal(got, want) || p.count() != float64(len(want)) {
		t.Errorf("%d exchanges are followed and %v counted of %d", len(got), p.count(), len(want))
	}
}

// withContents gives exchanges messages and bodies, whose rest is in parts of the
// batch, and returns what the body of each must be.
func withContents(b *capturev1.Batch, seed byte) map[string][]byte {
	bodies := map[string][]byte{}
	for i, e := range b.GetExchanges() {
		body := bytes.Repeat([]byte{seed, byte(i), '.'}, 12_000)
		e.Messages = sample.Full(time.Now()).GetMessages()
		e.Request.Body = &capturev1.Body{Content: body[:1000], Size: uint64(len(body)), StoredSize: uint64(len(body))}
		b.BodyParts = append(b.BodyParts, &capturev1.BodyPart{
			ExchangeId: e.GetId(), Side: capturev1.BodySide_BODY_SIDE_REQUEST, Offset: 1000, Content: body[1000:], ExchangeTime: timestamppb.New(e.GetStartTime().AsTime()),
		})
		bodies[e.GetId()] = body
	}
	return bodies
}

func (p *process) body(exchangeID string) (content []byte) {
	p.t.Helper()
	s, err := p.capture.GetRequestBody(p.t.Context(), &capturev1.GetRequestBodyRequest{Id: exchangeID})
	if err != nil {
		p.t.Fatal(err)
	}
	return drained(p.t, s)
}

func drained(t testing.TB, s grpc.ServerStreamingClient[httpbody.HttpBody]) (content []byte) {
	t.Helper()
	for {
		piece, err := s.Recv()
		if err != nil {
			return content
		}
		content = append(content, piece.GetData()...)
	}
}

func TestKilledEngineLosesNoPartOfABodyAndNoMessage(t *testing.T) {
	engine := testenv.ClickHouseProcess(t)
	p := installation{t, engine.DSN(), testenv.SharedRedis(t).URL()}.start("w1")
	s := p.connect()
	want := map[string][]byte{}
	for round := range byte(6) {
		b := &capturev1.Batch{Id: id.Batch.New(), Exchanges: sample.Some(uint64(round), 5, time.Now(), time.Microsecond)}
		for exchangeID, body := range withContents(b, round) {
			want[exchangeID] = body
		}
		if round%2 == 1 {
			time.AfterFunc(time.Duration(4*round)*time.Millisecond, func() { _ = syscall.Kill(engine.PID(), syscall.SIGKILL) })
		}
		s.store(b)
	}
	testenv.Eventually(t, 20*time.Second, func() bool { return p.svc.Ready() == nil }, "the engine is back")
	for exchangeID, body := range want {
		if got := p.body(exchangeID); !bytes.Equal(got, body) {
			t.Errorf("%d of %d bytes of a body are there", len(got), len(body))
		}
		resp, err := p.capture.GetExchange(t.Context(), &capturev1.GetExchangeRequest{Id: exchangeID})
		if err != nil || len(resp.GetExchange().GetMessages()) != 2 {
			t.Errorf("%d messages of 2: %v", len(resp.GetExchange().GetMessages()), err)
		}
	}
	histogram, err := p.capture.GetHistogram(t.Context(), &capturev1.GetHistogramRequest{})
	if err != nil || histogram.GetTotal() != uint64(len(want)) || p.count() != float64(len(want)) {
		t.Errorf("the histogram counts %d, the aggregate %v, of %d: %v", histogram.GetTotal(), p.count(), len(want), err)
	}
	facets, err := p.capture.ListFacets(t.Context(), &capturev1.ListFacetsRequest{})
	if err != nil || len(facets.GetFacets()) != 9 || len(facets.GetFacets()[0].GetValues()) == 0 {
		t.Errorf("facets %v: %v", facets, err)
	}
	storage, err := p.capture.GetStorage(t.Context(), &capturev1.GetStorageRequest{})
	if err != nil || len(storage.GetTables()) != 5 || storage.GetBytes() == 0 || storage.GetFreeBytes() == 0 {
		t.Errorf("storage %v: %v", storage, err)
	}
}
