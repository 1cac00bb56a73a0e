// Package filewatch notices that files of the operator have changed, by looking at
// them: notifications of the file system would miss what is mounted from elsewhere.
//
// It reads no content; what to do about a change is the caller's.
package filewatch

import (
	"context"
	"maps"
	"os"
	"time"
)

// Every is how often files are looked at.
const Every = 5 * time.Second

// Watch remembers how files were. The zero Watch has seen none. It is for one
// goroutine at a time.
type Watch struct{ seen map[string]stamp }

type stamp struct {
	size    int64
	changed time.Time
}

// Changed reports whether one of the files came, went or changed since the last call.
// Directories and empty paths are passed over.
func (w *Watch) Changed(paths ...string) bool {
	now := map[string]stamp{}
	for _, p := range paths {
		if info, err := os.Stat(p); p != "" && err == nil && info.Mode().IsRegular() {
			now[p] = stamp{info.Size(), info.ModTime()}
		}
	}
	before := w.seen
	w.seen = now
	return !maps.Equal(now, before)
}

// Poll calls look now and then until ctx ends. Its error is always nil.
func Poll(ctx context.Context, look func()) error {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			look()
		}
	}
}
