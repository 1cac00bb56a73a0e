package query

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

const (
	defaultLimit = 100
	defaultRange = 24 * time.Hour
)

// List returns a page of exchanges.
func (s *Service) List(ctx context.Context, req *capturev1.ListExchangesRequest) (*capturev1.ListExchangesResponse, error) {
	filter, err := search.Parse(req.GetFilter())
	if err != nil {
		return nil, err
	}
	between, err := s.between(req.GetStartTime(), req.GetEndTime())
	if err != nil {
		return nil, err
	}
	q := store.ListQuery{Range: between, Filter: filter, Limit: orDefault(req.GetLimit(), defaultLimit)}
	if req.GetCursor() != "" {
		c, err := parseCursor(req.GetCursor())
		if err != nil {
			return nil, err
		}
		q.After, q.From = c.place, c.from
	}
	exchanges, more, err := s.store.List(ctx, q)
	if err != nil {
		return nil, err
	}
	exchanges, cut := fitting(exchanges)
	resp := &capturev1.ListExchangesResponse{Exchanges: exchanges}
	if more || cut {
		last := exchanges[len(exchanges)-1]
		resp.NextCursor = cursor{from: q.From, place: store.Place{Time: last.GetStartTime().AsTime(), ID: last.GetId()}}.String()
	}
	return resp, nil
}

// fitting is as many exchanges, at least one, as one message can hold.
func fitting(exchanges []*capturev1.Exchange) (some []*capturev1.Exchange, cut bool) {
	size := 0
	for i, e := range exchanges {
		if size += proto.Size(e); size > maxMessage && i > 0 {
			return exchanges[:i], true
		}
	}
	return exchanges, false
}

// between is the time range of a request: the last 24 hours, where it does not
// say otherwise.
func (s *Service) between(start, end *timestamppb.Timestamp) (r store.Range, err error) {
	r.Until = s.clock.Now()
	if end != nil {
		r.Until = end.AsTime()
	}
	r.From = r.Until.Add(-defaultRange)
	if start != nil {
		r.From = start.AsTime()
	}
	if !r.From.Before(r.Until) {
		e := errs.InvalidField("start_time", "%s is not before the end of the range, %s", r.From.UTC().Format(time.RFC3339Nano), r.Until.UTC().Format(time.RFC3339Nano))
		e.Violations[0].Hint = "start_time is inclusive and end_time exclusive; without end_time the range ends now"
		return r, e
	}
	return store.Range{From: storable(r.From), Until: storable(r.Until)}, nil
}

// storable brings t into the time that rows can have.
func storable(t time.Time) time.Time {
	const century22 = 5_600_000_000 // seconds; in 2147
	return time.Unix(min(max(t.Unix(), 0), century22), int64(t.Nanosecond()))
}

// cursor is where a page ended, and the start of the range, which for the last 24
// hours would move between pages.
type cursor struct {
	from  time.Time
	place store.Place
}

const cursorVersion = 1

// String is the cursor as clients keep it.
func (c cursor) String() string {
	raw := []byte{cursorVersion}
	raw = binary.AppendVarint(raw, c.from.UnixNano())
	raw = binary.AppendVarint(raw, c.place.Time.UnixNano())
	return base64.RawURLEncoding.EncodeToString(append(raw, c.place.ID...))
}

func parseCursor(text string) (c cursor, err error) {
	bad := errs.InvalidField("cursor", "this is no cursor of a list of exchanges; use next_cursor of the page before, with the same filter")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 || raw[0] != cursorVersion {
		return c, bad
	}
	raw = raw[1:]
	from, n := binary.Varint(raw)
	if n <= 0 {
		return c, bad
	}
	at, m := binary.Varint(raw[n:])
	if m <= 0 || len(raw) == n+m {
		return c, bad
	}
	return cursor{time.Unix(0, from), store.Place{Time: time.Unix(0, at), ID: string(raw[n+m:])}}, nil
}
