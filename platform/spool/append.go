package spool

import (
	"errors"
	"fmt"
	"time"
)

// Append adds a record of so many items. After an error nothing was added:
// ErrFull until records are acknowledged, ErrTooLarge never to succeed, anything
// else from the disk.
func (s *Spool) Append(payload []byte, items uint32) error {
	size := int64(headerSize + len(payload))
	if len(payload) > MaxRecord || size > s.opts.MaxBytes {
		return ErrTooLarge
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.bytes()+size > s.opts.MaxBytes {
		return ErrFull
	}
	seg, err := s.tail(size)
	if err != nil {
		return fmt.Errorf("begin a segment of the spool: %w", err)
	}
	if _, err := seg.file.WriteAt(encode(payload, items), seg.end); err != nil {
		// What was written in part must not stand in front of the next record. If it
		// cannot be cut off, the segment ends here and recovery will find the tear.
		if cut := seg.file.Truncate(seg.end); cut != nil {
			s.writable = false
			err = errors.Join(err, cut)
		}
		s.dropEmptyTail()
		return fmt.Errorf("write to the spool: %w", err)
	}
	seg.end += size
	seg.unread += uint64(items)
	return s.sync(seg, false)
}

// tail is the segment that takes a record of this size.
func (s *Spool) tail(size int64) (*segment, error) {
	if s.writable {
		last := s.segments[len(s.segments)-1]
		if last.end == 0 || last.end+size <= s.opts.SegmentBytes {
			return last, nil
		}
		s.writable = false
		if err := s.sync(last, true); err != nil {
			return nil, err
		}
	}
	seg := &segment{number: s.next, path: segmentPath(s.dir, s.next)}
	var err error
	if seg.file, err = s.opts.OpenFile(seg.path); err != nil {
		return nil, err
	}
	s.next++
	if len(s.segments) == 0 {
		s.read = Position{segment: seg.number}
	}
	s.segments = append(s.segments, seg)
	s.writable = true
	return seg, nil
}

// dropEmptyTail removes a segment that a failed write left empty.
func (s *Spool) dropEmptyTail() {
	last := len(s.segments) - 1
	if s.segments[last].end > 0 {
		return
	}
	_ = s.segments[last].remove() // an empty file is removed at the next Open
	s.segments = s.segments[:last]
	s.writable = false
}

// sync makes appended records durable when it is time. A failure is the disk's:
// the record is in the file, but may not outlive a power cut.
func (s *Spool) sync(seg *segment, now bool) error {
	if !now && time.Since(s.synced) < s.opts.SyncEvery {
		return nil
	}
	s.synced = time.Now()
	if err := seg.file.Sync(); err != nil {
		return nil //nolint:nilerr // the record can be read back; counting it as lost would be wrong
	}
	return nil
}
