package tap

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
)

func (c Counts) balanced() bool {
	sum := c.Stored + c.Sampled + c.Pending
	for _, n := range c.Dropped {
		sum += n
	}
	return c.Seen == sum
}

// decode reads a batch as capture does; nil when there is none.
func decode(b *Batch) *capturev1.Batch {
	if b == nil {
		return nil
	}
	out := &capturev1.Batch{}
	if err := proto.Unmarshal(b.Raw, out); err != nil {
		panic(err)
	}
	if out.GetId() != b.ID || uint64(len(out.GetExchanges())) != b.Exchanges {
		panic(fmt.Sprintf("batch %s of %d exchanges says %s and %d", b.ID, b.Exchanges, out.GetId(), len(out.GetExchanges())))
	}
	return out
}

func get(body string) *message.Request {
	return &message.Request{Method: "POST", Target: "/x", Scheme: "http", Host: "h", Proto: "HTTP/1.1", Received: time.Now(),
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Header: message.Header{{Name: "Host", Value: "h"}}}
}

var conn = &message.Conn{ClientAddr: netip.MustParseAddrPort("192.0.2.1:1"), ServerAddr: netip.MustParseAddrPort("192.0.2.2:2")}

func TestAccountsBalanceAtAnyTime(t *testing.T) {
	ledger := &Ledger{}
	tap := New("px", Limits{Exchanges: 50, Bytes: 1 << 20}, ledger)
	_ = tap.Configure(&policyv1.CaptureSettings{SamplePercent: 80}, nil)
	stop := make(chan struct{})
	var watch, writers sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if c := ledger.Counts(); !c.balanced() {
					t.Errorf("%+v", c)
					return
				}
			}
		}
	})
	watch.Go(func() {
		for {
			b := decode(tap.Batch())
			if n := uint64(len(b.GetExchanges())); n > 0 {
				ledger.Dropped(SpoolFull, n/2)
				ledger.Stored(n - n/2)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for range 4 {
		writers.Go(func() {
			for range 2000 {
				tap.End(tap.Begin("ex", conn, get("")))
			}
		})
	}
	writers.Wait()
	close(stop)
	watch.Wait()
	if c := ledger.Counts(); c.Seen != 8000 || !c.balanced() || c.Sampled == 0 {
		t.Errorf("%+v", c)
	}
}

func TestBodiesAreKeptUpToTheirLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 100).Draw(t, "limit")
		size := rapid.IntRange(0, 200).Draw(t, "size")
		full := rapid.Bool().Draw(t, "full")
		mode := policyv1.CaptureMode_CAPTURE_MODE_METADATA
		if full {
			mode = policyv1.CaptureMode_CAPTURE_MODE_FULL
		}
		tap := New("px", Limits{Exchanges: 1, Bytes: 1 << 20}, &Ledger{})
		_ = tap.Configure(&policyv1.CaptureSettings{Mode: mode, RequestBodyLimit: uint32(limit), ResponseBodyLimit: uint32(limit)}, nil)
		body := strings.Repeat("b", size)
		req := get(body)
		r := tap.Begin("ex", conn, req)
		res := message.NewResponse(200, nil, body)
		_, _ = io.Copy(io.Discard, req.Body)
		r.Respond(res)
		if _, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{res.Body}, make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		tap.End(r)
		e := decode(tap.Batch()).GetExchanges()[0]
		kept := 0
		if full {
			kept = min(limit, size)
		}
		for _, b := range []interface {
			GetContent() []byte
			GetSize() uint64
			GetTruncated() bool
		}{e.GetRequest().GetBody(), e.GetResponse().GetBody()} {
			if len(b.GetContent()) != kept || b.GetSize() != uint64(size) || b.GetTruncated() != (full && size > limit) {
				t.Fatalf("kept %d, size %d, truncated %t", len(b.GetContent()), b.GetSize(), b.GetTruncated())
			}
		}
	})
}

func TestBatchesAreBounded(t *testing.T) {
	ledger := &Ledger{}
	tap := New("px", Limits{Exchanges: 2000, Bytes: 1 << 30}, ledger)
	_ = tap.Configure(&policyv1.CaptureSettings{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL, RequestBodyLimit: 16 << 20}, nil)
	for i := range 1500 {
		body := ""
		if i%100 == 0 {
			body = strings.Repeat("x", 1<<20)
		}
		if i == 7 {
			body = strings.Repeat("x", 6<<20)
		}
		req := get(body)
		r := tap.Begin("ex", conn, req)
		_, _ = io.Copy(io.Discard, req.Body)
		tap.End(r)
	}
	if !tap.OverHalf() || !tap.FullBatch() || len(tap.Ready()) != 1 {
		t.Errorf("over half %t, full batch %t, ready %d", tap.OverHalf(), tap.FullBatch(), len(tap.Ready()))
	}
	total, ids := 0, map[string]bool{}
	for b := decode(tap.Batch()); b != nil; b = decode(tap.Batch()) {
		n := len(b.GetExchanges())
		if n > 500 || n > 1 && proto.Size(b) > 5<<20 || ids[b.GetId()] {
			t.Errorf("%d exchanges, %d bytes, id %s", n, proto.Size(b), b.GetId())
		}
		total += n
		ids[b.GetId()] = true
	}
	if total != 1500 || !tap.Empty() {
		t.Errorf("%d exchanges", total)
	}
}

func TestLateReadsDoNotReachASealedRecord(t *testing.T) {
	tap := New("px", Limits{Exchanges: 10, Bytes: 1 << 20}, &Ledger{})
	_ = tap.Configure(&policyv1.CaptureSettings{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL}, nil)
	req := get("hello world")
	r := tap.Begin("ex", conn, req)
	_, _ = io.ReadFull(req.Body, make([]byte, 5))
	tap.End(r)
	_, _ = io.Copy(io.Discard, req.Body) // a transport that still reads
	if b := decode(tap.Batch()).GetExchanges()[0].GetRequest().GetBody(); string(b.GetContent()) != "hello" || b.GetSize() != 5 {
		t.Errorf("%v", b)
	}
}

func TestTraceID(t *testing.T) {
	for value, want := range map[string]string{
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": "0af7651916cd43dd8448eb211c80319c",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": "",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01": "",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01":  "",
		"junk": "", "": "",
	} {
		if got := traceID(value); got != want {
			t.Errorf("traceID(%q) = %q", value, got)
		}
	}
}
