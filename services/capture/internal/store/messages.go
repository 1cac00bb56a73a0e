package store

import (
	"context"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// maxMessages bounds what one exchange is read with.
const maxMessages = 100_000

// messageRow is a message inside an exchange.
type messageRow struct {
	ts                    time.Time // of the exchange
	exchangeID            string
	number                uint32
	direction, kind       uint8
	offsetNS              uint64
	content               []byte
	size                  uint64
	truncated, compressed bool
}

var messageColumns = []field[messageRow]{
	col("ts", func(r *messageRow) *time.Time { return &r.ts }),
	col("exchange_id", func(r *messageRow) *string { return &r.exchangeID }),
	col("number", func(r *messageRow) *uint32 { return &r.number }),
	col("direction", func(r *messageRow) *uint8 { return &r.direction }),
	col("kind", func(r *messageRow) *uint8 { return &r.kind }),
	col("offset_ns", func(r *messageRow) *uint64 { return &r.offsetNS }),
	col("content", func(r *messageRow) *[]byte { return &r.content }),
	col("size", func(r *messageRow) *uint64 { return &r.size }),
	col("truncated", func(r *messageRow) *bool { return &r.truncated }),
	col("compressed", func(r *messageRow) *bool { return &r.compressed }),
}

// messageRows adds the messages of an exchange.
func messageRows(rows []messageRow, e *capturev1.Exchange) []messageRow {
	for i, m := range e.GetMessages() {
		rows = append(rows, messageRow{
			ts: received(e), exchangeID: e.GetId(), number: count32(i),
			direction: uint8(m.GetDirection()), kind: uint8(m.GetKind()), //nolint:gosec // small enums
			offsetNS: nanoseconds(m.GetOffset()), content: m.GetContent(), size: m.GetSize(),
			truncated: m.GetTruncated(), compressed: m.GetCompressed(),
		})
	}
	return rows
}

func (r *messageRow) message() *capturev1.Message {
	return &capturev1.Message{
		Direction: capturev1.Message_Direction(r.direction), Kind: capturev1.Message_Kind(r.kind),
		Offset: durationpb.New(time.Duration(r.offsetNS)), Content: r.content, Size: r.size, //nolint:gosec // it was a duration
		Truncated: r.truncated, Compressed: r.compressed,
	}
}

// messages returns those of an exchange, in order; one that was stored twice once.
func (s *Store) messages(ctx context.Context, of *row) (all []*capturev1.Message, err error) {
	if of.messageCount == 0 {
		return nil, nil
	}
	q := &statement{}
	q.add("SELECT ", names(messageColumns), " FROM messages WHERE ts = ", q.instant(of.ts), " AND exchange_id = ", q.text(of.id),
		" ORDER BY number LIMIT 1 BY number LIMIT ", strconv.Itoa(maxMessages))
	err = s.query(ctx, q, func(rows driver.Rows) error {
		r := &messageRow{}
		if err := rows.Scan(targets(r, messageColumns)...); err != nil {
			return err
		}
		all = append(all, r.message())
		return nil
	})
	return all, err
}
