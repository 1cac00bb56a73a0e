package query

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/services/capture/internal/store"
)

// cursor is where a page ended, with the order and the range of its list: rows that
// arrive later are outside of it, wherever they belong in the order. Those that come
// late, with a time within the range, may appear on pages that are still to come; what
// was there at the first page appears once.
type cursor struct {
	order       store.Order
	from, until time.Time
	place       store.Place
}

const cursorVersion = 2

// String is the cursor as clients keep it.
func (c cursor) String() string {
	sort := max(slices.Index(store.Sorts(), c.order.By), 0)
	raw := []byte{cursorVersion, byte(sort), 0}
	if c.order.Ascending {
		raw[2] = 1
	}
	raw = binary.AppendVarint(raw, c.from.UnixNano())
	raw = binary.AppendVarint(raw, c.until.UnixNano())
	raw = binary.AppendVarint(raw, c.place.Time.UnixNano())
	raw = binary.AppendUvarint(raw, c.place.Value)
	return base64.RawURLEncoding.EncodeToString(append(raw, c.place.ID...))
}

func parseCursor(text string) (c cursor, err error) {
	bad := errs.InvalidField("cursor", "this is no cursor of a list of exchanges; use next_cursor of the page before, with the same filter")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < 3 || raw[0] != cursorVersion || int(raw[1]) >= len(store.Sorts()) || raw[2] > 1 {
		return c, bad
	}
	c.order = store.Order{By: store.Sorts()[raw[1]], Ascending: raw[2] == 1}
	r := &reader{rest: raw[3:]}
	c.from, c.until, c.place.Time = r.time(), r.time(), r.time()
	c.place.Value = r.number()
	c.place.ID = string(r.rest)
	if r.broken || c.place.ID == "" {
		return c, bad
	}
	return c, nil
}

// reader takes numbers off the front.
type reader struct {
	rest   []byte
	broken bool
}

func (r *reader) time() time.Time {
	n, size := binary.Varint(r.rest)
	r.skip(size)
	return time.Unix(0, n)
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	r.skip(size)
	return n
}

func (r *reader) skip(size int) {
	if size <= 0 {
		r.broken, r.rest = true, nil
		return
	}
	r.rest = r.rest[size:]
}
