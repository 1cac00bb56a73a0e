package harness

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"sluice.dev/platform/redisdb"
)

// AOFWritten reports why not everything that Redis of an Up system acknowledged
// is on disk yet.
func (s *System) AOFWritten() error {
	db, err := redisdb.Open(redisdb.Config{URL: "unix://" + filepath.Join(s.Data, "redis", "redis.sock")})
	if err != nil {
		return err
	}
	defer db.Close()
	info, err := db.Info(context.Background(), "persistence").Result()
	if err != nil {
		return err
	}
	if !strings.Contains(info, "aof_pending_bio_fsync:0") || !strings.Contains(info, "aof_buffer_length:0") {
		return errors.New("a write is pending")
	}
	return nil
}
