package resource

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/errs"
)

// Page sizes.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// List returns a page of documents, newest first. limit 0 means [DefaultLimit];
// cursor is empty or next of the page before. next is empty on the last page.
func (c *Collection[T]) List(ctx context.Context, limit int, cursor string) (page []Entry[T], next string, err error) {
	limit = pageSize(limit)
	last, err := readCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	rows, err := c.db.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
		Key: c.keys.order, ByScore: true, Rev: true, Start: cmp.Or(last, "+inf"), Stop: "-inf", Count: int64(limit) + 1,
	}).Result()
	if err != nil {
		return nil, "", unavailable(err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = writeCursor(uint64(rows[limit-1].Score))
	}
	page, err = c.fetch(ctx, rows)
	return page, next, err
}

// fetch reads the documents of rows; those deleted meanwhile are left out.
func (c *Collection[T]) fetch(ctx context.Context, rows []redis.Z) ([]Entry[T], error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i], _ = row.Member.(string)
	}
	values, err := c.db.HMGet(ctx, c.keys.docs, ids...).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	page := make([]Entry[T], 0, len(values))
	for i, v := range values {
		raw, ok := v.(string)
		if !ok {
			continue
		}
		doc, meta, err := c.decode(ids[i], raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ids[i], err)
		}
		page = append(page, Entry[T]{ID: ids[i], Meta: meta, Doc: doc})
	}
	return page, nil
}

// All returns every document, oldest first, and the global revision at that
// moment, from which Watch may go on.
func (c *Collection[T]) All(ctx context.Context) ([]Entry[T], uint64, error) {
	tx := c.db.TxPipeline()
	docs, revision := tx.HGetAll(ctx, c.keys.docs), tx.Get(ctx, c.keys.revision)
	if _, err := tx.Exec(ctx); err != nil && !isNil(err) {
		return nil, 0, unavailable(err)
	}
	all := make([]Entry[T], 0, len(docs.Val()))
	for id, raw := range docs.Val() {
		doc, meta, err := c.decode(id, raw)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", id, err)
		}
		all = append(all, Entry[T]{ID: id, Meta: meta, Doc: doc})
	}
	slices.SortFunc(all, func(a, b Entry[T]) int {
		if n := a.CreatedAt.Compare(b.CreatedAt); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	if isNil(revision.Err()) {
		return all, 0, nil
	}
	at, err := revision.Uint64()
	if err != nil {
		return nil, 0, fmt.Errorf("the global revision is damaged: %w", err)
	}
	return all, at, nil
}

func pageSize(limit int) int {
	if limit <= 0 {
		return DefaultLimit
	}
	return min(limit, MaxLimit)
}

// A cursor is the revision before which the page ends, hidden so that nobody
// counts on its form.
func writeCursor(revision uint64) string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendUint(nil, revision, 10))
}

// readCursor returns the last revision that the page may have, as an inclusive
// upper bound for a Redis range; empty without a cursor.
func readCursor(cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	var before uint64
	if err == nil {
		before, err = strconv.ParseUint(string(raw), 10, 64)
	}
	if err != nil || before == 0 {
		return "", errs.InvalidField("cursor", "%q is not a cursor; use next_cursor of the page before, or none", cursor)
	}
	return strconv.FormatUint(before-1, 10), nil
}
