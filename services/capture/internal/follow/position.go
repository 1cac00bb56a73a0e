// Package follow reads the log of stored exchanges from a position on, without a
// gap and in order for each writer, and goes on as the log grows.
package follow

import (
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/services/capture/internal/heads"
)

// position is a place in the log: for each writer the last sequence number that
// was read. A writer that is missing has not been read at all.
type position map[string]uint64

// oldest is the position of the oldest exchange that is stored.
const oldest = "0"

// ancient is the age from which a writer that is gone is left out of positions:
// no retention is longer.
const ancient = 92 * 24 * time.Hour

const positionVersion = 1

// String is the position as clients keep it: opaque, and safe in a URL.
func (p position) String() string {
	raw := []byte{positionVersion}
	for _, writer := range slices.Sorted(maps.Keys(p)) {
		raw = binary.AppendUvarint(raw, uint64(len(writer)))
		raw = append(raw, writer...)
		raw = binary.AppendUvarint(raw, p[writer])
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parsePosition(text string) (position, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 || raw[0] != positionVersion {
		return nil, badPosition()
	}
	p := position{}
	for raw = raw[1:]; len(raw) > 0; {
		size, n := binary.Uvarint(raw)
		if n <= 0 || size > uint64(len(raw)-n) {
			return nil, badPosition()
		}
		writer := string(raw[n : n+int(size)]) //nolint:gosec // bounded by the length
		raw = raw[n+int(size):]                //nolint:gosec // bounded by the length
		seq, n := binary.Uvarint(raw)
		if n <= 0 {
			return nil, badPosition()
		}
		p[writer], raw = seq, raw[n:]
	}
	return p, nil
}

func badPosition() error {
	e := errs.InvalidField("position", "this is no position of the log")
	e.Violations[0].Hint = `use the position of the last message received, "0" for the oldest exchange, or leave it out to begin now`
	return e
}

// step is a stretch of the log that is read at once.
type step struct {
	from, to position // to has every writer that from has
}

// after is the position behind the entry (seq, writer), given that entries come
// in this order and all up to it have been taken.
func (s step) after(writer string, seq uint64) position {
	p := maps.Clone(s.from)
	for w, end := range s.to {
		reached := seq
		if w > writer {
			reached--
		}
		if reached = min(reached, end); reached > p[w] {
			p[w] = reached
		}
	}
	return p
}

// prune leaves out writers that ended long ago.
func (p position) prune(known map[string]uint64, now time.Time) {
	for writer, seq := range p {
		if _, ok := known[writer]; !ok && now.Sub(heads.Time(seq)) > ancient {
			delete(p, writer)
		}
	}
}
