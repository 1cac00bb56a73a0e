// Package tap records exchanges without getting in their way: it copies what the
// capture settings allow while bodies stream, and puts one record per exchange
// into a bounded ring from which a shipper takes batches. Of a large body the ring
// takes chunks while the exchange runs. When the ring is full the record is dropped
// and counted; a request never waits. Whether an exchange is recorded at all is
// decided at its end.
//
// Secrets are replaced when a record is encoded as a capturev1.Exchange, before it can
// leave the process by wire or disk: at its end, or by the shipper's goroutine when
// there is much to look into.
package tap

import (
	cryptorand "crypto/rand"
	"math/rand/v2"
	"sync/atomic"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
)

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
	held     atomic.Int64 // bytes of bodies and messages of exchanges that run, beyond what each may have
	limit    int64        // of held

	add    func(exchange, parts []byte) bool // to the queue
	turn   bool                              // of what waits to be encoded
	recent []*kept                           // with parts in the last batch
	places Places                            // nil for none
}

// New returns a tap whose ring holds at most limits.
func New(proxyID string, limits Limits, ledger *Ledger) *Tap {
	t := &Tap{proxyID: proxyID, queue: newQueue(limits, BatchLimits), ledger: ledger, limit: int64(limits.Bytes)}
	t.add = t.queue.add
	_ = t.Configure(nil, nil)
	return t
}

// Configure puts settings in force for requests from now on; nil means the
// defaults: everything but bodies, of every exchange. shared is a key that all
// proxies have, for the hashes of what is redacted; without one they are of use
// only within this process. The error tells of redaction rules that cannot be used.
func (t *Tap) Configure(c *policyv1.CaptureSettings, shared []byte) error {
	if len(shared) == 0 {
		shared = ownKey
	}
	redactor, err := redact.New(redact.Config{
		Key: redact.Key(shared), Headers: c.GetRedactHeaders(), Rules: c.GetRedactionRules(), Disabled: c.GetDisabledRedactionRules(),
	})
	t.settings.Store(newSettings(c, redactor))
	return err
}

// ownKey is for the time before there is a key that all proxies have.
var ownKey = func() []byte {
	key := make([]byte, 32)
	_, _ = cryptorand.Read(key) // it never fails
	return key
}()

// charge accounts for memory of exchanges that run; false when there is too little.
func (t *Tap) charge(bytes int) bool {
	if bytes == 0 {
		return true
	}
	if t.held.Add(int64(bytes)) > t.limit && bytes > 0 {
		t.held.Add(-int64(bytes))
		return false
	}
	return true
}

// Begin starts the record of a request before anything changes it, and wraps its
// body. Every method of a nil Recording does nothing.
func (t *Tap) Begin(exchangeID string, conn *message.Conn, req *message.Request) *Recording {
	s := t.settings.Load()
	r := recordings.Get().(*Recording)
	r.id, r.tap, r.settings, r.plan, r.conn, r.req, r.start = exchangeID, t, s, s.plan, conn, req, req.Received
	r.method, r.scheme, r.host, r.target, r.proto = req.Method, req.Scheme, req.Host, req.Target, req.Proto
	r.header = append(r.header, req.Header...)
	if s.share < 1 {
		r.lot = rand.Float64() // #nosec G404 -- sampling needs no secrecy
	}
	r.begin(req)
	return r
}

// End finishes the record and queues it, unless the sample leaves it out and
// nothing says that it is kept. Nobody may use r any more. A nil r counts as sampled.
func (t *Tap) End(r *Recording) {
	if r == nil {
		t.ledger.SawSampled()
		return
	}
	r.end = time.Now()
	r.seal()
	if !r.decide() {
		t.ledger.SawSampled()
		r.reuse()
		return
	}
	t.ledger.SawPending()
	if r.simple() {
		if !encode(r, nil, t.add) {
			t.ledger.Dropped(QueueFull, 1)
		}
		r.reuse()
		return
	}
	r.detach()
	r.estimate()
	switch {
	case r.size > MaxRecord:
		t.ledger.Dropped(TooLarge, 1)
	case !t.queue.push(item{record: r, size: r.size}):
		t.ledger.Dropped(QueueFull, 1)
	}
}

// Batch takes what has waited longest and makes it a batch: at most 500 exchanges
// with parts of bodies, of about 4 MiB. It returns nil when there is nothing. Only
// one goroutine may call it.
func (t *Tap) Batch() *Batch {
	var b *Batch
	if !t.turn {
		b = t.queue.take()
	}
	if b == nil {
		b = t.queue.newBatch()
	}
	t.fill(b)
	t.turn = !t.turn && t.queue.left()
	if b.empty() {
		t.Reuse(b)
		b = t.queue.take()
	}
	t.recent = t.recent[:0]
	if b != nil {
		t.recent = append(t.recent, b.parts...)
	}
	return b
}

// fill encodes what waits for it, as far as it fits into b.
func (t *Tap) fill(b *Batch) {
	add := func(exchange, _ []byte) bool { b.add(exchange); return true }
	for {
		i, ok := t.queue.next(b)
		switch {
		case !ok:
			return
		case i.record != nil:
			encode(i.record, b, add)
		default:
			i.chunk.side().chunk(i.chunk.data, b)
		}
	}
}

// Reuse gives the memory of a batch back that nobody reads any more.
func (t *Tap) Reuse(b *Batch) { t.queue.reuse(b) }

// Lost says that the last batch was lost: its parts of bodies are missing, and what
// follows them is of no use.
func (t *Tap) Lost() {
	for _, k := range t.recent {
		if !k.lost {
			k.lost = true
			t.ledger.LostPart()
		}
	}
}

// Ready has a token when a whole batch waits.
func (t *Tap) Ready() <-chan struct{} { return t.queue.ready }

// FullBatch reports whether a whole batch waits.
func (t *Tap) FullBatch() bool { return t.queue.fullBatch() }

// Empty reports whether no record waits.
func (t *Tap) Empty() bool { return t.queue.empty() }

// OverHalf reports whether more than half of the ring is taken.
func (t *Tap) OverHalf() bool { return t.queue.overHalf() }
