package ship

import (
	"errors"
	"io"
	"slices"

	"sluice.dev/platform/spool"
	"sluice.dev/services/proxy/internal/tap"
)

// store puts a batch into the spool, or counts it as lost.
func (s *Shipper) store(b *tap.Batch) (kept bool) {
	err := s.spool.Append(b.Raw, uint32(b.Exchanges)) // #nosec G115 -- at most one batch
	if err == nil {
		s.troubled = false
		return true
	}
	reason := tap.SpoolError
	switch {
	case errors.Is(err, spool.ErrFull):
		reason = tap.SpoolFull
	case errors.Is(err, spool.ErrTooLarge):
		reason = tap.TooLarge
	}
	s.ledger.Dropped(reason, b.Exchanges)
	if !s.troubled {
		s.troubled = true
		s.log.Error("records are lost: the spool does not take them", "reason", reason, "error", err)
	}
	return false
}

// unspool reads the next batch of a spool; nil when there is none.
func (s *Shipper) unspool(from *spool.Spool) *parcel {
	for {
		r, err := from.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			if !s.lost(err) {
				return nil
			}
			continue
		}
		b, err := unseal(r.Payload, r.Recovered || from != s.spool)
		if err != nil {
			// Its checksum is right: another version wrote it, or a foreign program.
			s.log.Error("a record of the spool is no batch", "error", err)
			s.drop(uint64(r.Items), r.Recovered || from != s.spool)
			continue
		}
		p := &parcel{Batch: b, from: from, end: r.End, recovered: r.Recovered || from != s.spool}
		s.onDisk = append(s.onDisk, p)
		return p
	}
}

// lost counts records that the disk did not give back. It reports whether reading
// can go on.
func (s *Shipper) lost(err error) bool {
	s.log.Error("the spool cannot be read", "error", err)
	var damage *spool.DamageError
	if !errors.As(err, &damage) {
		return false
	}
	s.drop(damage.Items, damage.Recovered)
	return true
}

// drop counts exchanges of this run; those of an earlier one were never seen here.
func (s *Shipper) drop(n uint64, recovered bool) {
	if !recovered {
		s.ledger.Dropped(tap.SpoolError, n)
	}
}

// forget acknowledges to each spool what is acknowledged from its beginning on.
func (s *Shipper) forget() {
	blocked := map[*spool.Spool]bool{}
	s.onDisk = slices.DeleteFunc(s.onDisk, func(p *parcel) bool {
		if !p.acked || blocked[p.from] {
			blocked[p.from] = true
			return false
		}
		if err := p.from.Ack(p.end); err != nil {
			s.log.Warn("a stored batch was not taken off the spool; it may be sent once more", "error", err)
		}
		return true
	})
}

// Bytes is what the spool takes on disk.
func (s *Shipper) Bytes() int64 {
	n := s.spool.Stats().Bytes
	for _, a := range s.adopted {
		n += a.Stats().Bytes
	}
	return n
}
