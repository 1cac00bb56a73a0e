// Package tap records exchanges without getting in their way: it copies what the
// capture settings allow while bodies stream, and puts one record per exchange
// into a bounded ring from which a shipper takes batches. When the ring is full
// the record is dropped and counted; a request never waits.
//
// Secrets are replaced when a record is made into an [capturev1.Exchange], before
// it can leave the process by wire or disk.
package tap

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/id"
	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
)

// DefaultBodyLimit is how many bytes of a body are kept unless settings say
// otherwise.
const DefaultBodyLimit = 10 << 10

// BatchLimits bound one batch.
var BatchLimits = Limits{Exchanges: 500, Bytes: 4 << 20}

// MaxRecord is the size in bytes above which a record is dropped: what a gRPC
// message may carry, less some room.
const MaxRecord = 60 << 20

// Tap makes recordings. It is safe for concurrent use.
type Tap struct {
	proxyID  string
	settings atomic.Pointer[settings]
	queue    *queue
	ledger   *Ledger
}

// settings are policyv1.CaptureSettings, ready to use.
type settings struct {
	full          bool
	requestLimit  int
	responseLimit int
	share         float64 // of the exchanges that are recorded, 0 to 1
	headers       *redact.HeaderRules
}

// New returns a tap whose ring holds at most limits.
func New(proxyID string, limits Limits, ledger *Ledger) *Tap {
	t := &Tap{proxyID: proxyID, queue: newQueue(limits, BatchLimits), ledger: ledger}
	t.Configure(nil)
	return t
}

// Configure puts settings in force for requests from now on; nil means the
// defaults: everything but bodies, of every exchange.
func (t *Tap) Configure(c *policyv1.CaptureSettings) {
	s := &settings{
		full:          c.GetMode() == policyv1.CaptureMode_CAPTURE_MODE_FULL,
		requestLimit:  int(c.GetRequestBodyLimit()),
		responseLimit: int(c.GetResponseBodyLimit()),
		share:         c.GetSamplePercent() / 100,
		headers:       redact.Headers(c.GetRedactHeaders()),
	}
	if s.requestLimit == 0 {
		s.requestLimit = DefaultBodyLimit
	}
	if s.responseLimit == 0 {
		s.responseLimit = DefaultBodyLimit
	}
	if s.share == 0 {
		s.share = 1
	}
	if !s.full {
		s.requestLimit, s.responseLimit = 0, 0
	}
	t.settings.Store(s)
}

// Begin starts the record of a request before anything changes it, and wraps its
// body. It returns nil when the sample rate leaves the exchange out; every method
// of a nil Recording does nothing.
func (t *Tap) Begin(exchangeID string, conn *message.Conn, req *message.Request) *Recording {
	s := t.settings.Load()
	if s.share < 1 && rand.Float64() >= s.share { // #nosec G404 -- sampling needs no secrecy
		return nil
	}
	r := &Recording{
		id: exchangeID, settings: s, conn: conn, start: req.Received,
		method: req.Method, scheme: req.Scheme, host: req.Host, target: req.Target, proto: req.Proto,
		header: req.Header.Clone(), reqBody: &body{keep: s.requestLimit}, resBody: &body{keep: s.responseLimit},
	}
	if req.ContentLength != 0 && req.Body != nil {
		r.hasBody = true
		req.Body = &tappedBody{source: req.Body, into: r.reqBody, trailer: &req.Trailer}
	}
	return r
}

// End finishes the record and queues it. A nil r counts as sampled.
func (t *Tap) End(r *Recording) {
	if r == nil {
		t.ledger.SawSampled()
		return
	}
	r.end = time.Now()
	r.seal()
	t.ledger.SawPending()
	switch {
	case r.size > MaxRecord:
		t.ledger.Dropped(TooLarge, 1)
	case !t.queue.push(r):
		t.ledger.Dropped(QueueFull, 1)
	}
}

// Batch takes the oldest finished records and makes them a batch: at most 500 of
// about 4 MiB. It returns nil when there are none.
func (t *Tap) Batch() *capturev1.Batch {
	records := t.queue.take()
	if len(records) == 0 {
		return nil
	}
	b := &capturev1.Batch{Id: id.Batch.New(), Exchanges: make([]*capturev1.Exchange, len(records))}
	for i, r := range records {
		b.Exchanges[i] = r.exchange(t.proxyID)
	}
	return b
}

// Ready has a token when a whole batch waits.
func (t *Tap) Ready() <-chan struct{} { return t.queue.ready }

// FullBatch reports whether a whole batch waits.
func (t *Tap) FullBatch() bool { return t.queue.fullBatch() }

// Empty reports whether no record waits.
func (t *Tap) Empty() bool { return t.queue.empty() }

// OverHalf reports whether more than half of the ring is taken.
func (t *Tap) OverHalf() bool { return t.queue.overHalf() }
