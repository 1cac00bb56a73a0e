package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

const (
	// inlineBody is how many bytes of a body lie in the row of its exchange.
	inlineBody = 16 << 10
	// stretch is the most that one row of bodies holds.
	stretch = 256 << 10
)

// bodyRow is a stretch of a body.
type bodyRow struct {
	ts         time.Time // of the exchange
	exchangeID string
	side       uint8 // a capturev1.BodySide
	position   uint64
	content    []byte
}

var bodyColumns = []field[bodyRow]{
	col("ts", func(r *bodyRow) *time.Time { return &r.ts }),
	col("exchange_id", func(r *bodyRow) *string { return &r.exchangeID }),
	col("side", func(r *bodyRow) *uint8 { return &r.side }),
	col("position", func(r *bodyRow) *uint64 { return &r.position }),
	col("content", func(r *bodyRow) *[]byte { return &r.content }),
}

// inline is the part of a body that lies in the row of its exchange.
func inline(b *capturev1.Body) []byte {
	return b.GetContent()[:min(len(b.GetContent()), inlineBody)]
}

// overflow is the rest of what an exchange carries of a body.
func overflow(rows []bodyRow, e *capturev1.Exchange, side capturev1.BodySide, b *capturev1.Body) []bodyRow {
	if len(b.GetContent()) <= inlineBody {
		return rows
	}
	first := bodyRow{ts: received(e), exchangeID: e.GetId(), side: uint8(side), position: inlineBody, content: b.GetContent()[inlineBody:]} //nolint:gosec // 1 or 2
	return first.cut(rows)
}

// partRows is a part that a proxy sent beside its exchange.
func partRows(rows []bodyRow, p *capturev1.BodyPart) []bodyRow {
	if len(p.GetContent()) == 0 {
		return rows
	}
	part := bodyRow{
		ts: instantOf(p.GetExchangeTime(), p.GetExchangeId()), exchangeID: p.GetExchangeId(),
		side: uint8(p.GetSide()), position: p.GetOffset(), content: p.GetContent(), //nolint:gosec // a small enum
	}
	return part.cut(rows)
}

// cut adds the row in stretches.
func (r bodyRow) cut(rows []bodyRow) []bodyRow {
	for from := 0; from < len(r.content); from += stretch {
		one := r
		one.content = r.content[from:min(from+stretch, len(r.content))]
		one.position += uint64(from)
		rows = append(rows, one)
	}
	return rows
}

// errEnough ends a query whose further rows nobody wants.
var errEnough = errors.New("enough")

// Body calls begin with the Content-Type header and the sizes of one body, and then
// send with what is kept of it, in order and without a gap, in pieces of at most
// 256 KiB. It fails with NOT_FOUND when the exchange is not stored or nothing of the
// body is.
func (s *Store) Body(ctx context.Context, exchangeID string, side capturev1.BodySide, begin func(contentType string, sizes *capturev1.Body) error, send func(piece []byte) error) error {
	r, err := s.find(ctx, exchangeID)
	if err != nil {
		return err
	}
	if err := s.stored(ctx, r); err != nil {
		return err
	}
	one, name := &r.req, "the request body of exchange"
	if side == capturev1.BodySide_BODY_SIDE_RESPONSE {
		one, name = &r.res, "the response body of exchange"
	}
	if one.storedSize == 0 {
		return errs.NotFound(name, exchangeID)
	}
	inline := one.body
	one.body = nil
	if err := begin(one.headers.first("content-type"), one.content()); err != nil {
		return err
	}
	if len(inline) > 0 {
		if err := send(inline); err != nil {
			return err
		}
	}
	if sent := uint64(len(inline)); one.storedSize > sent {
		return s.parts(ctx, r, side, sent, send)
	}
	return nil
}

// parts sends the stretches that follow one another from position at on. A stretch
// that was stored twice is sent once.
func (s *Store) parts(ctx context.Context, r *row, side capturev1.BodySide, at uint64, send func([]byte) error) error {
	q := &statement{}
	q.add("SELECT position, content FROM bodies WHERE ts = ", q.instant(r.ts), " AND exchange_id = ", q.text(r.id),
		" AND side = ", strconv.Itoa(int(side)), " ORDER BY position")
	var failed error
	err := s.query(ctx, q, func(rows driver.Rows) error {
		var part bodyRow
		if err := rows.Scan(&part.position, &part.content); err != nil {
			return err
		}
		end := part.position + uint64(len(part.content))
		if end <= at {
			return nil
		}
		if part.position > at {
			failed = errEnough // a gap: what follows cannot be placed
			return failed
		}
		if failed = send(part.content[at-part.position:]); failed != nil {
			return failed
		}
		at = end
		return nil
	})
	switch {
	case errors.Is(failed, errEnough):
		return nil
	case failed != nil:
		return failed
	}
	return err
}

// stored is how many bytes of each side Body can send, and whether those are all.
func (s *Store) stored(ctx context.Context, r *row) error {
	for side, one := range map[capturev1.BodySide]*sideRow{
		capturev1.BodySide_BODY_SIDE_REQUEST:  &r.req,
		capturev1.BodySide_BODY_SIDE_RESPONSE: &r.res,
	} {
		if inline := uint64(len(one.body)); one.storedSize <= inline {
			one.storedSize = inline
			continue
		}
		end, err := s.partsEnd(ctx, r, side, uint64(len(one.body)))
		if err != nil {
			return err
		}
		// Parts that a proxy announced and then lost, at its end, are missing for good.
		one.truncated = one.truncated || end < one.storedSize
		one.storedSize = end
	}
	return nil
}

// partsEnd is where the stretches that follow one another from position at on end.
func (s *Store) partsEnd(ctx context.Context, r *row, side capturev1.BodySide, at uint64) (uint64, error) {
	q := &statement{}
	q.add("SELECT position, position + length(content) FROM bodies WHERE ts = ", q.instant(r.ts), " AND exchange_id = ", q.text(r.id),
		" AND side = ", strconv.Itoa(int(side)), " ORDER BY position")
	err := s.query(ctx, q, func(rows driver.Rows) error {
		var begin, end uint64
		if err := rows.Scan(&begin, &end); err != nil {
			return err
		}
		if begin <= at {
			at = max(at, end)
		}
		return nil
	})
	return at, err
}
