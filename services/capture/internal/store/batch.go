package store

import (
	"net/netip"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/id"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Batch is a batch of exchanges laid out as rows, ready to be inserted.
type Batch struct {
	ID   string
	Size int // bytes of memory, roughly

	rows     []row // oldest first
	parts    []bodyRow
	messages []messageRow
}

// rowSize is what a row and its message take beside headers and contents.
const rowSize = 3072

// sizeOf is the memory of an exchange, roughly: measuring its message in full would
// take longer than laying it out.
func sizeOf(e *capturev1.Exchange) int {
	size := rowSize + len(e.GetRequest().GetBody().GetContent()) + len(e.GetResponse().GetBody().GetContent())
	for _, headers := range [][]*capturev1.Header{e.GetRequest().GetHeaders(), e.GetResponse().GetHeaders()} {
		for _, h := range headers {
			size += len(h.GetName()) + len(h.GetValue())
		}
	}
	for _, m := range e.GetMessages() {
		size += len(m.GetContent())
	}
	return size
}

// NewBatch lays out a batch of at least one exchange or part of a body. Rows are in
// the order of their time, so that a batch over midnight is stored in the order of
// its sequence numbers.
func NewBatch(b *capturev1.Batch) *Batch {
	out := &Batch{ID: b.GetId()}
	exchanges := slices.Clone(b.GetExchanges())
	slices.SortStableFunc(exchanges, func(a, b *capturev1.Exchange) int { return received(a).Compare(received(b)) })
	out.rows = make([]row, len(exchanges))
	for i, e := range exchanges {
		out.rows[i].fill(e, received(e))
		out.Size += sizeOf(e)
		out.parts = overflow(out.parts, e, capturev1.BodySide_BODY_SIDE_REQUEST, e.GetRequest().GetBody())
		out.parts = overflow(out.parts, e, capturev1.BodySide_BODY_SIDE_RESPONSE, e.GetResponse().GetBody())
		out.messages = messageRows(out.messages, e)
	}
	for _, p := range b.GetBodyParts() {
		out.parts = partRows(out.parts, p)
		out.Size += len(p.GetContent())
	}
	return out
}

// Rows is the number of exchanges.
func (b *Batch) Rows() int { return len(b.rows) }

// Born is when the batch was made, by its id or else by its newest row.
func (b *Batch) Born() time.Time {
	if t := id.Batch.Time(b.ID); !t.IsZero() {
		return t
	}
	return b.newest()
}

// Stamp gives the rows their place in the log: sequence numbers from first on.
func (b *Batch) Stamp(writer string, first uint64) {
	for i := range b.rows {
		b.rows[i].writer, b.rows[i].seq, b.rows[i].batchID = writer, first+uint64(i), b.ID
	}
}

// count adds up the rows from t on by day, which is by partition.
func (b *Batch) count(t time.Time, days map[batchDay]uint64) {
	for i := range b.rows {
		if r := &b.rows[i]; !r.ts.Before(t) {
			days[batchDay{b.ID, day(r.ts)}]++
		}
	}
}

// newest is the zero time for a batch of parts alone.
func (b *Batch) newest() time.Time {
	if len(b.rows) == 0 {
		return time.Time{}
	}
	return b.rows[len(b.rows)-1].ts
}

// day counts days since 1970.
func day(t time.Time) int64 { return t.Unix() / 86400 }

// Times that a partition key of toDate can tell apart; an exchange beyond them
// has a broken clock behind it.
var (
	earliest = time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2148, 1, 1, 0, 0, 0, 0, time.UTC)
)

// received is when the request was received: start_time, else the time in the id,
// else the earliest time there is. It depends on the exchange alone, because a
// batch that is sent again must fall into the same partitions.
func received(e *capturev1.Exchange) time.Time { return instantOf(e.GetStartTime(), e.GetId()) }

func instantOf(start *timestamppb.Timestamp, exchangeID string) time.Time {
	if t := start.AsTime(); t.After(earliest) && t.Before(latest) {
		return t
	}
	if t := id.Exchange.Time(exchangeID); t.After(earliest) && t.Before(latest) {
		return t.UTC()
	}
	return earliest
}

// storable keeps an instant within what DateTime64(9) holds; 1970 means absent.
func storable(t time.Time) time.Time {
	if t.Before(earliest) || t.After(latest) {
		return time.Unix(0, 0).UTC()
	}
	return t
}

// address reads an IP address; the zero address means absent or unreadable.
func address(text string) netip.Addr {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.IPv6Unspecified()
	}
	return addr.WithZone("")
}

func addressText(addr netip.Addr) string {
	if addr.IsUnspecified() {
		return ""
	}
	return addr.Unmap().String()
}
