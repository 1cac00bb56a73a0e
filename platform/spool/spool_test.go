package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.dev/platform/spool"
)

func open(t testing.TB, dir string, opts spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func add(t testing.TB, s *spool.Spool, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := s.Append([]byte(p), uint32(len(p))); err != nil {
			t.Fatal(err)
		}
	}
}

// drain reads what is left and acknowledges it.
func drain(t testing.TB, s *spool.Spool) string {
	t.Helper()
	var out []string
	for {
		r, err := s.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(out, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(r.Payload))
		if err := s.Ack(r.End); err != nil {
			t.Fatal(err)
		}
	}
}

func segments(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRecordsComeInOrderAndLeaveNothingBehind(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{SegmentBytes: 40, MaxBytes: 4000})
	add(t, s, "one", "two", "three", "four", "five")
	if n := len(segments(t, dir)); n < 2 {
		t.Fatalf("%d segments; the test wants several", n)
	}
	if got := s.Stats().Items; got != uint64(len("onetwothreefourfive")) {
		t.Errorf("%d items", got)
	}
	if got := drain(t, s); got != "one two three four five" {
		t.Error(got)
	}
	add(t, s, "six")
	if got := drain(t, s); got != "six" {
		t.Error(got)
	}
	if st := s.Stats(); st.Bytes != 0 || st.Items != 0 || len(segments(t, dir)) != 0 {
		t.Errorf("%+v, files %v", st, segments(t, dir))
	}
}

func TestWhatWasNotAcknowledgedComesAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{SegmentBytes: 64, MaxBytes: 4000})
	add(t, s, "one", "two", "three", "four")
	var second spool.Record
	for i := range 3 {
		r, err := s.Next()
		if err != nil || r.Recovered {
			t.Fatal(r, err)
		}
		if i == 1 {
			second = r
		}
	}
	if err := s.Ack(second.End); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, spool.Options{SegmentBytes: 64, MaxBytes: 4000})
	if st := s.Stats(); st.Items != uint64(len("threefour")) {
		t.Errorf("%+v", st)
	}
	add(t, s, "new")
	r, err := s.Next()
	if err != nil || string(r.Payload) != "three" || !r.Recovered {
		t.Fatalf("%q %v %v", r.Payload, r.Recovered, err)
	}
	if got := drain(t, s); got != "four new" {
		t.Error(got)
	}
}

func TestCapAndRoomAfterAcknowledging(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{MaxBytes: 400})
	payload := strings.Repeat("x", 50)
	n := 0
	for ; ; n++ {
		if err := s.Append([]byte(payload), 1); err != nil {
			if !errors.Is(err, spool.ErrFull) {
				t.Fatal(err)
			}
			break
		}
	}
	if n != 400/62 || s.Stats().Bytes > 400 {
		t.Errorf("%d records, %+v", n, s.Stats())
	}
	for range 2 {
		r, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ack(r.End); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Append([]byte(payload), 1); err != nil {
		t.Errorf("after acknowledging: %v", err)
	}
	if err := s.Append(make([]byte, 400), 1); !errors.Is(err, spool.ErrTooLarge) {
		t.Errorf("a record larger than the cap: %v", err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	if _, err := spool.Open(dir, spool.Options{}); !errors.Is(err, spool.ErrLocked) {
		t.Errorf("a second Open: %v", err)
	}
	_ = s.Close()
	open(t, dir, spool.Options{})
	if err := s.Append([]byte("x"), 1); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestChangedBytesLoseTheirSegmentOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{SegmentBytes: 60, MaxBytes: 4000})
	add(t, s, "aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff") // three in a segment
	flip(t, segments(t, dir)[0], 16+12)                       // in "bbbb"
	r, err := s.Next()
	if err != nil || string(r.Payload) != "aaaa" {
		t.Fatal(r, err)
	}
	var lost *spool.DamageError
	if _, err := s.Next(); !errors.As(err, &lost) || lost.Items != 8 {
		t.Fatalf("%v; want 8 items lost", err)
	}
	if got := drain(t, s); got != "dddd eeee ffff" {
		t.Error(got)
	}
	if st := s.Stats(); st.Damaged != 32 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
}

func flip(t testing.TB, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// disk is a file layer with little room.
type disk struct {
	room   int
	broken bool // truncation fails too
}

func (d *disk) open(path string) (spool.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	return &smallFile{f, d}, err
}

type smallFile struct {
	*os.File
	disk *disk
}

var errNoSpace = errors.New("no space left on device")

func (f *smallFile) WriteAt(p []byte, at int64) (int, error) {
	n, err := f.File.WriteAt(p[:min(len(p), f.disk.room)], at)
	f.disk.room -= n
	if err == nil && n < len(p) {
		err = errNoSpace
	}
	return n, err
}

func (f *smallFile) Truncate(size int64) error {
	if f.disk.broken {
		return errNoSpace
	}
	return f.File.Truncate(size)
}

func TestFullDisk(t *testing.T) {
	for _, broken := range []bool{false, true} {
		t.Run(fmt.Sprint("truncate fails: ", broken), func(t *testing.T) {
			d, dir := &disk{room: 40, broken: broken}, t.TempDir()
			s := open(t, dir, spool.Options{OpenFile: d.open})
			add(t, s, "first", "second") // 35 bytes
			for range 3 {
				if err := s.Append([]byte("third"), 1); !errors.Is(err, errNoSpace) {
					t.Fatalf("on a full disk: %v", err)
				}
			}
			d.room = 1000
			add(t, s, "fourth")
			if got := drain(t, s); got != "first second fourth" {
				t.Error(got)
			}
			add(t, s, "fifth")
			_ = s.Close()
			if got := drain(t, open(t, dir, spool.Options{})); got != "fifth" {
				t.Error(got)
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	s := open(b, b.TempDir(), spool.Options{MaxBytes: 1 << 40, SegmentBytes: 16 << 20})
	payload := bytes.Repeat([]byte("x"), 64<<10)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Append(payload, 100); err != nil {
			b.Fatal(err)
		}
		r, err := s.Next()
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Ack(r.End); err != nil {
			b.Fatal(err)
		}
	}
}
