package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Errors of Append and Open.
var (
	ErrFull     = errors.New("the spool has reached its cap")
	ErrTooLarge = errors.New("the record is larger than the spool takes")
	ErrLocked   = errors.New("another process uses this spool")
	ErrClosed   = errors.New("the spool is closed")
)

// Options bound a spool.
type Options struct {
	MaxBytes     int64                           // of all segments; 0 means 1 GiB
	SegmentBytes int64                           // a segment is not begun beyond this; 0 means 16 MiB
	SyncEvery    time.Duration                   // longest time between appending and fsync while records come; 0 means 1 s
	OpenFile     func(path string) (File, error) // of a segment; nil means the operating system's
}

// Position is a place in the spool.
type Position struct {
	segment uint64
	offset  int64
}

// Record is what was appended.
type Record struct {
	Payload   []byte
	Items     uint32
	Recovered bool     // appended by an earlier process
	End       Position // acknowledges this record and all before it
}

// Stats tell how full a spool is.
type Stats struct {
	Bytes   int64  // on disk, acknowledged records of partly read segments included
	Items   uint64 // in records that were not read yet
	Damaged int64  // bytes cut off at Open or skipped since, because they were no records
}

// Spool is a queue on disk. It is safe for concurrent use.
type Spool struct {
	dir  string
	opts Options
	lock *os.File

	mu       sync.Mutex
	segments []*segment // oldest first; never nil entries
	writable bool       // the last segment takes more
	next     uint64     // number of the next segment
	own      uint64     // segments from this number on are of this process
	read     Position   // next record to read
	acked    Position
	cursor   *cursor
	damaged  int64
	synced   time.Time
	closed   bool
}

// Open opens the spool in dir, which is made if missing, and recovers what an
// earlier process left. It fails with ErrLocked while another one has it open.
func Open(dir string, opts Options) (*Spool, error) {
	s := &Spool{dir: dir, opts: opts.withDefaults(), synced: time.Now()}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	var err error
	if s.lock, err = lockDir(dir); err != nil {
		return nil, fmt.Errorf("open the spool in %s: %w", dir, err)
	}
	if err := s.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("recover the spool in %s: %w", dir, err), s.Close())
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 16 << 20
	}
	o.SegmentBytes = min(o.SegmentBytes, max(o.MaxBytes/4, 1)) // so that reading frees room before the end
	if o.SyncEvery == 0 {
		o.SyncEvery = time.Second
	}
	if o.OpenFile == nil {
		o.OpenFile = openFile
	}
	return o
}

func (s *Spool) recover() error {
	var err error
	if s.cursor, s.acked, err = openCursor(filepath.Join(s.dir, "cursor")); err != nil {
		return err
	}
	found, err := numbers(s.dir)
	if err != nil {
		return err
	}
	for _, n := range found {
		if err := s.recoverSegment(n); err != nil {
			return err
		}
		s.next = n + 1
	}
	s.next = max(s.next, s.acked.segment+1)
	s.own = s.next
	s.read = s.acked
	if len(s.segments) > 0 && s.segments[0].number > s.read.segment {
		s.read = Position{segment: s.segments[0].number}
	}
	return nil
}

func (s *Spool) recoverSegment(n uint64) error {
	seg := &segment{number: n, path: segmentPath(s.dir, n)}
	var err error
	if seg.file, err = s.opts.OpenFile(seg.path); err != nil {
		return err
	}
	from := int64(0)
	if n == s.acked.segment {
		from = s.acked.offset
	}
	cut, err := seg.recover(from)
	if err != nil {
		return errors.Join(err, seg.file.Close())
	}
	s.damaged += cut
	if n < s.acked.segment || seg.end <= from {
		return seg.remove() // nothing unacknowledged is left in it
	}
	s.segments = append(s.segments, seg)
	return nil
}

// Stats tells how full the spool is.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Bytes: s.bytes(), Damaged: s.damaged}
	for _, seg := range s.segments {
		st.Items += seg.unread
	}
	return st
}

func (s *Spool) bytes() int64 {
	var n int64
	for _, seg := range s.segments {
		n += seg.end
	}
	return n
}

// Close syncs and closes the files. What was not acknowledged stays for the next
// Open.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for i, seg := range s.segments {
		if i == len(s.segments)-1 && s.writable {
			errs = append(errs, seg.file.Sync())
		}
		errs = append(errs, seg.file.Close())
	}
	if s.cursor != nil {
		errs = append(errs, s.cursor.close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

var _ io.Closer = (*Spool)(nil)
