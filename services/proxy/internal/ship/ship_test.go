package ship_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/spool"
	"sluice.dev/services/proxy/internal/ship"
	"sluice.dev/services/proxy/internal/tap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is a capture service that keeps ids.
type store struct {
	capturev1.UnimplementedIngestServiceServer
	mu  sync.Mutex
	ids map[string]int
}

func (s *store) Ingest(stream grpc.BidiStreamingServer[capturev1.IngestRequest, capturev1.IngestResponse]) error {
	for {
		req, err := stream.Recv()
		if err != nil {
			return nil
		}
		if req.GetBatch() == nil {
			continue
		}
		s.mu.Lock()
		for _, e := range req.GetBatch().GetExchanges() {
			s.ids[e.GetId()]++
		}
		s.mu.Unlock()
		if err := stream.Send(&capturev1.IngestResponse{BatchId: req.GetBatch().GetId()}); err != nil {
			return err
		}
	}
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ids)
}

func startStore(t *testing.T) (*store, capturev1.IngestServiceClient) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, g := &store{ids: map[string]int{}}, grpc.NewServer()
	capturev1.RegisterIngestServiceServer(g, s)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	return s, dial(t, l.Addr().String())
}

func dial(t *testing.T, target string) capturev1.IngestServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return capturev1.NewIngestServiceClient(conn)
}

// nobody is a client whose service is away.
func nobody(t *testing.T) capturev1.IngestServiceClient { return dial(t, "127.0.0.1:1") }

type proxy struct {
	t      *testing.T
	tap    *tap.Tap
	ledger *tap.Ledger
	next   int
	name   string
	stop   func()
}

func start(t *testing.T, name string, client capturev1.IngestServiceClient, spools ...*spool.Spool) *proxy {
	t.Helper()
	p := &proxy{t: t, ledger: &tap.Ledger{}, name: name}
	p.tap = tap.New("px_"+name, tap.Limits{Exchanges: 1000, Bytes: 32 << 20}, p.ledger)
	s := ship.New(p.tap, p.ledger, spools, "px_"+name, client, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(p.stop)
	return p
}

// record makes n records.
func (p *proxy) record(n int) {
	conn := &message.Conn{}
	for range n {
		p.next++
		req := &message.Request{Method: "GET", Target: "/", Received: time.Now(), Body: io.NopCloser(strings.NewReader(""))}
		p.tap.End(p.tap.Begin(fmt.Sprintf("%s-%d", p.name, p.next), conn, req))
	}
}

func (p *proxy) eventually(what string, ok func(c tap.Counts) bool) {
	p.t.Helper()
	deadline := time.After(15 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		c := p.ledger.Counts()
		sum := c.Stored + c.Sampled + c.Pending
		for _, n := range c.Dropped {
			sum += n
		}
		if c.Seen != sum {
			p.t.Fatalf("%+v", c)
		}
		if ok(c) {
			return
		}
		select {
		case <-deadline:
			p.t.Fatalf("%s did not come in time: %+v", what, c)
		case <-tick.C:
		}
	}
}

func open(t *testing.T, dir string, opts spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// disk is a file layer whose room runs out.
type disk struct {
	mu   sync.Mutex
	room int
}

type file struct {
	*os.File
	disk *disk
}

var errNoSpace = errors.New("no space left on device")

func (d *disk) open(path string) (spool.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	return &file{f, d}, err
}

func (d *disk) set(room int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = room
}

func (f *file) WriteAt(p []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	n, err := f.File.WriteAt(p[:min(len(p), f.disk.room)], at)
	f.disk.room -= n
	if err == nil && n < len(p) {
		err = errNoSpace
	}
	return n, err
}

func TestFullDiskIsCountedAndRecoveredFrom(t *testing.T) {
	d, dir := &disk{room: 3000}, t.TempDir()
	p := start(t, "a", nobody(t), open(t, dir, spool.Options{OpenFile: d.open}))
	recorded := 0
	p.eventually("a full disk", func(c tap.Counts) bool {
		p.record(5)
		recorded += 5
		return c.Dropped[tap.SpoolError] > 0
	})
	d.set(1 << 30)
	p.record(20)
	recorded += 20
	p.stop()
	c := p.ledger.Counts()
	if c.Seen != uint64(recorded) || c.Pending == 0 || c.Dropped[tap.SpoolError]+c.Pending != c.Seen {
		t.Errorf("%+v of %d", c, recorded)
	}
	// What was kept is delivered by the next run, and nothing else.
	s, client := startStore(t)
	q := start(t, "b", client, open(t, dir, spool.Options{}))
	q.eventually("the recovered records", func(after tap.Counts) bool { return after.Recovered == c.Pending })
	if s.count() != int(c.Pending) {
		t.Errorf("%d stored, %d were kept", s.count(), c.Pending)
	}
}

func TestDamagedSpoolIsCounted(t *testing.T) {
	dir := t.TempDir()
	p := start(t, "a", nobody(t), open(t, dir, spool.Options{}))
	p.record(10)
	p.eventually("the spool", func(tap.Counts) bool { names, _ := filepath.Glob(dir + "/*.seg"); return len(names) == 1 })
	p.stop()
	names, _ := filepath.Glob(dir + "/*.seg")
	raw, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	s, client := startStore(t)
	sp := open(t, dir, spool.Options{})
	raw[20] ^= 1 // after the recovery, so that only reading can find it
	if err := os.WriteFile(names[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	q := start(t, "b", client, sp)
	q.record(5)
	q.eventually("the new records", func(c tap.Counts) bool { return c.Stored == 5 })
	if c := q.ledger.Counts(); c.Recovered+c.Dropped[tap.SpoolError] != 0 || s.count() != 5 {
		t.Errorf("%+v, %d stored", c, s.count())
	}
}

func TestSpoolsOfProxiesThatAreGoneAreDeliveredToo(t *testing.T) {
	dir := t.TempDir()
	left := start(t, "left", nobody(t), open(t, dir+"/1", spool.Options{}))
	left.record(30)
	left.stop()
	s, client := startStore(t)
	p := start(t, "p", client, open(t, dir+"/0", spool.Options{}), open(t, dir+"/1", spool.Options{}))
	p.record(10)
	p.eventually("all records", func(c tap.Counts) bool { return c.Recovered == 30 && c.Stored == 10 })
	p.stop()
	if s.count() != 40 {
		t.Errorf("%d stored", s.count())
	}
	again := open(t, dir+"/1", spool.Options{})
	defer again.Close()
	if st := again.Stats(); st.Items != 0 || st.Bytes != 0 {
		t.Errorf("left behind: %+v", st)
	}
}
