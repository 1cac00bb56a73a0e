package spool

import (
	"errors"
	"fmt"
	"io"
)

// DamageError says that records were lost: the disk gave back other bytes than
// were written. Reading goes on behind them.
type DamageError struct {
	Items     uint64 // in the lost records
	Recovered bool   // appended by an earlier process
	cause     error
}

// Error tells how much was lost.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%d items of the spool are lost: %v", e.Items, e.cause)
}

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.cause }

// Next returns the oldest record that was not read yet; io.EOF when there is
// none; a *DamageError for records that cannot be read any more.
func (s *Spool) Next() (Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Record{}, ErrClosed
	}
	seg := s.reading()
	if seg == nil {
		return Record{}, io.EOF
	}
	payload, items, err := decode(seg.file, s.read.offset, seg.end)
	if err != nil {
		return Record{}, s.skip(seg, err)
	}
	seg.unread -= min(seg.unread, uint64(items))
	s.read.offset += headerSize + int64(len(payload))
	return Record{Payload: payload, Items: items, Recovered: seg.number < s.own, End: s.read}, nil
}

// reading moves to the segment with the next record; nil at the end.
func (s *Spool) reading() *segment {
	for _, seg := range s.segments {
		if seg.number < s.read.segment {
			continue
		}
		if seg.number > s.read.segment {
			s.read = Position{segment: seg.number}
		}
		if s.read.offset < seg.end {
			return seg
		}
	}
	return nil
}

// skip gives up what is left of a segment: where the next record begins is known
// from the one before only.
func (s *Spool) skip(seg *segment, cause error) error {
	lost := &DamageError{Items: seg.unread, Recovered: seg.number < s.own, cause: cause}
	if errors.Is(cause, errTorn) {
		lost.cause = errors.New("the checksum differs")
	}
	s.damaged += seg.end - s.read.offset
	seg.unread = 0
	s.read.offset = seg.end
	if seg == s.segments[len(s.segments)-1] {
		s.writable = false
	}
	return lost
}

// Ack forgets all records up to end. Records must be acknowledged in the order
// in which they were read. A failure means that they may be read once more by the
// next process.
func (s *Spool) Ack(end Position) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.acked = end
	var errs []error
	for len(s.segments) > 0 && s.finished(s.segments[0]) {
		if len(s.segments) == 1 {
			s.writable = false
		}
		errs = append(errs, s.segments[0].remove())
		s.segments = s.segments[1:]
	}
	return errors.Join(append(errs, s.cursor.write(end))...)
}

// finished reports whether nothing of seg will be read or acknowledged any more.
func (s *Spool) finished(seg *segment) bool {
	return seg.number < s.acked.segment || seg.number == s.acked.segment && s.acked.offset >= seg.end
}
