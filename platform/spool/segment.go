package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// File is what a segment is kept in; *os.File is one.
type File interface {
	ReadAt(p []byte, offset int64) (int, error)
	WriteAt(p []byte, offset int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

func openFile(path string) (File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- a path inside the spool's directory
}

const suffix = ".seg"

// segment is one file of records.
type segment struct {
	number uint64
	path   string
	file   File
	end    int64  // end of the last whole record
	unread uint64 // items of records that were not read yet
}

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", number, suffix))
}

// numbers lists the segments in dir, oldest first.
func numbers(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if n, err := strconv.ParseUint(name, 10, 64); ok && err == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// recover finds the end of the last whole record and cuts off what lies behind.
// Records before from were acknowledged. It returns how many bytes were cut off.
func (s *segment) recover(from int64) (damaged int64, err error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0, err
	}
	size := info.Size()
	for s.end < size {
		payload, items, err := decode(s.file, s.end, size)
		if errors.Is(err, errTorn) {
			break
		}
		if err != nil {
			return 0, err
		}
		if s.end >= from {
			s.unread += uint64(items)
		}
		s.end += headerSize + int64(len(payload))
	}
	if s.end == size {
		return 0, nil
	}
	return size - s.end, s.file.Truncate(s.end)
}

func (s *segment) remove() error {
	return errors.Join(s.file.Close(), os.Remove(s.path))
}
