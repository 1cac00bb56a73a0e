package tap

import (
	"sluice.dev/platform/id"
	"sluice.dev/platform/wire"
)

// Batch is records and parts of bodies, ready for wire and disk.
type Batch struct {
	ID        string
	Exchanges uint64
	Raw       []byte // a capturev1.Batch

	head  int     // bytes before the first record
	parts []*kept // bodies of which it has parts
}

// Fields of capturev1.Batch.
const (
	batchID        = 1
	batchExchanges = 2
	batchParts     = 3
)

// newBatch begins a batch in the memory of raw.
func newBatch(raw []byte) *Batch {
	b := &Batch{ID: id.Batch.New(), Raw: raw[:0]}
	b.buffer().String(batchID, b.ID)
	b.head = len(b.Raw)
	return b
}

func (b *Batch) buffer() *wire.Buffer { return (*wire.Buffer)(&b.Raw) }

// add takes an encoded exchange.
func (b *Batch) add(exchange []byte) {
	b.buffer().Message(batchExchanges, exchange)
	b.Exchanges++
}

// part takes a stretch of a body that begins at offset.
func (b *Batch) part(s side, offset uint64, content []byte) {
	to := b.buffer()
	m := to.Open(batchParts, len(content)+64)
	to.String(1, s.record.id)
	to.Uint(2, uint64(s.side)) // #nosec G115 -- an enum
	to.Uint(3, offset)
	to.Bytes(4, content)
	to.Time(5, s.record.start)
	to.Close(m)
	b.parts = append(b.parts, &s.kept)
}

// empty reports whether nothing is in it.
func (b *Batch) empty() bool { return b.Exchanges == 0 && len(b.parts) == 0 }

// hasRoom reports whether one more item of some bytes belongs into it.
func (b *Batch) hasRoom(limits Limits, size int) bool {
	return b.Exchanges < uint64(limits.Exchanges) && (b.empty() || len(b.Raw)+size <= limits.Bytes) // #nosec G115 -- a limit is positive
}
