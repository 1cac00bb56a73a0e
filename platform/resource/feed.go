package resource

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/redisdb"
)

// ErrReload ends a watch that may have missed changes: its place in the feed was
// trimmed, or Redis went away and may have come back without its last moments.
// The watcher reads everything again with All and watches from there.
var ErrReload = errors.New("changes may have been missed: read all documents again")

const (
	feedBlock = 500 * time.Millisecond // how long one read waits for changes, and cancellation for a read
	feedBatch = 100
	// feedDeadline is what a read may take on top of feedBlock before the
	// connection counts as dead.
	feedDeadline = 3 * time.Second
)

// Record is one change of any kind, as the feed has it. [Collection.Change]
// makes it a document.
type Record struct {
	Kind    Kind
	ID      string
	Deleted bool
	Meta
	doc string
}

// Feed is the changes of all kinds in order of revision. Every revision is
// exactly one record, so a gap is seen at once.
type Feed struct {
	db       *redisdb.DB
	changes  string
	revision string
}

// NewFeed returns the feed of db. It does no I/O.
func NewFeed(db *redisdb.DB) *Feed {
	k := keysOf(db, "")
	return &Feed{db: db, changes: k.changes, revision: k.revision}
}

// Watch yields the changes after the given revision and then each new one as it
// happens. It ends with the error of ctx, with [ErrReload], or with another error
// when a record is damaged. Only the last pair carries an error.
func (f *Feed) Watch(ctx context.Context, after uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			records, err := f.read(ctx, after)
			for _, r := range records {
				if r.Revision != after+1 {
					err = ErrReload
					break
				}
				after = r.Revision
				if !yield(r, nil) {
					return
				}
			}
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
		}
	}
}

// read waits for records after a revision, at most feedBlock.
func (f *Feed) read(ctx context.Context, after uint64) ([]Record, error) {
	limited, cancel := context.WithTimeout(ctx, feedBlock+feedDeadline)
	defer cancel()
	pipe := f.db.Pipeline()
	streams := pipe.XRead(limited, &redis.XReadArgs{
		Streams: []string{f.changes, strconv.FormatUint(after, 10) + "-0"}, Count: feedBatch, Block: feedBlock,
	})
	revision := pipe.Get(limited, f.revision)
	if _, err := pipe.Exec(limited); err != nil && !isNil(err) {
		return nil, fmt.Errorf("%w: %w", ErrReload, err)
	}
	if len(streams.Val()) == 0 {
		if now, _ := revision.Uint64(); now != after {
			return nil, f.behind(ctx, after)
		}
		return nil, nil
	}
	return parseRecords(streams.Val()[0].Messages)
}

// behind tells a change between the two commands of read from a feed that no
// longer has what comes after a revision.
func (f *Feed) behind(ctx context.Context, after uint64) error {
	now, err := f.db.Get(ctx, f.revision).Uint64()
	if err != nil && !isNil(err) {
		return fmt.Errorf("%w: %w", ErrReload, err)
	}
	next := strconv.FormatUint(after+1, 10) + "-0"
	found, err := f.db.XRange(ctx, f.changes, next, next).Result()
	if err != nil || len(found) == 0 && now != after {
		return ErrReload
	}
	return nil
}

func parseRecords(messages []redis.XMessage) ([]Record, error) {
	records := make([]Record, 0, len(messages))
	for _, m := range messages {
		field := func(name string) string { s, _ := m.Values[name].(string); return s }
		revision, _, _ := strings.Cut(m.ID, "-")
		meta, err := parseMeta([]string{revision, field("created"), field("updated")})
		if err != nil {
			return records, fmt.Errorf("change %s: %w", m.ID, err)
		}
		records = append(records, Record{
			Kind: Kind(field("kind")), ID: field("id"), Deleted: field("op") == string(opDelete), Meta: meta, doc: field("doc"),
		})
	}
	return records, nil
}
