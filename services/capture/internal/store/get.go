package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

const (
	// skew is how far an exchange's time may be from the one in its id before the
	// whole table must be asked.
	skew = time.Minute
	// maxReplays bounds the replays that are listed with an exchange.
	maxReplays = "1000"
)

// Get returns one exchange with its messages, the first 16 KiB of its bodies and
// the ids of its replays.
func (s *Store) Get(ctx context.Context, exchangeID string) (*capturev1.Exchange, error) {
	r, err := s.find(ctx, exchangeID)
	if err != nil {
		return nil, err
	}
	if err := s.stored(ctx, r); err != nil {
		return nil, err
	}
	e := r.exchange()
	if e.Messages, err = s.messages(ctx, r); err != nil {
		return nil, err
	}
	e.Replays, err = s.replays(ctx, r)
	return e, err
}

// find looks where the id points first.
func (s *Store) find(ctx context.Context, exchangeID string) (*row, error) {
	now := s.clock.Now()
	everything := Range{s.oldest(), now.Add(24 * time.Hour)}
	ranges := []Range{everything}
	if at := id.Exchange.Time(exchangeID); !at.IsZero() {
		ranges = []Range{{at.Add(-skew), at.Add(skew)}, everything}
	}
	for _, r := range ranges {
		found, err := s.findIn(ctx, exchangeID, r)
		if found != nil || err != nil {
			return found, err
		}
	}
	return nil, errs.NotFound("exchange", exchangeID)
}

func (s *Store) findIn(ctx context.Context, exchangeID string, in Range) (found *row, err error) {
	q := &statement{}
	q.add("SELECT ", names(fields), " FROM exchanges WHERE ", q.within(s.visible(in)), " AND id = ", q.text(exchangeID), " LIMIT 1")
	err = s.read(ctx, q, fields, func(r *row) { found = r })
	return found, err
}

// replays are newer than what they replay, but for the clocks of two proxies.
func (s *Store) replays(ctx context.Context, of *row) (ids []string, err error) {
	q := &statement{}
	q.add("SELECT id FROM exchanges WHERE ts >= ", q.instant(of.ts.Add(-skew)), " AND replay_of = ", q.text(of.id),
		" ORDER BY ts, id LIMIT ", maxReplays)
	err = s.query(ctx, q, func(rows driver.Rows) error {
		var one string
		defer func() { ids = append(ids, one) }()
		return rows.Scan(&one)
	})
	return ids, err
}
