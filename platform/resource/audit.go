package resource

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/redisdb"
)

// auditScan bounds how many records one List looks at; a page that a filter
// leaves short still has a cursor.
const auditScan = 10_000

// AuditEntry is the record of one change.
type AuditEntry struct {
	ID        string // "ev_" and 26 characters
	Type      string // such as endpoint_updated.v0
	Time      time.Time
	Principal string
	ObjectID  string
	Object    json.RawMessage // the document after the change (before it, when deleted), without secrets
	Revision  uint64
}

// AuditFilter chooses entries; empty fields choose all.
type AuditFilter struct {
	Type     string
	ObjectID string
}

// AuditLog reads the records of the last 100,000 changes.
type AuditLog struct {
	db  *redisdb.DB
	key string
}

// NewAuditLog returns the audit log of db. It does no I/O.
func NewAuditLog(db *redisdb.DB) *AuditLog {
	return &AuditLog{db: db, key: keysOf(db, "").audit}
}

// List returns a page of entries, newest first. limit 0 means [DefaultLimit]. A
// page may be shorter than limit, or empty, and still not be the last: next tells.
func (l *AuditLog) List(ctx context.Context, filter AuditFilter, limit int, cursor string) (page []AuditEntry, next string, err error) {
	limit = pageSize(limit)
	last, err := readCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	for scanned := 0; scanned < auditScan; {
		batch, err := l.read(ctx, cmp.Or(last, "+"))
		if err != nil {
			return nil, "", err
		}
		for _, e := range batch {
			if len(page) == limit {
				return page, next, nil
			}
			if filter.matches(e) {
				page = append(page, e)
			}
			next = writeCursor(e.Revision)
			last = strconv.FormatUint(e.Revision-1, 10)
		}
		if len(batch) < auditBatch {
			return page, "", nil
		}
		scanned += len(batch)
	}
	return page, next, nil
}

const auditBatch = 500

// read returns up to auditBatch entries up to a stream id, newest first.
func (l *AuditLog) read(ctx context.Context, last string) ([]AuditEntry, error) {
	messages, err := l.db.XRevRangeN(ctx, l.key, last, "-", auditBatch).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	entries := make([]AuditEntry, len(messages))
	for i, m := range messages {
		if entries[i], err = parseAudit(m); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func parseAudit(m redis.XMessage) (AuditEntry, error) {
	field := func(name string) string { s, _ := m.Values[name].(string); return s }
	revision, _, _ := strings.Cut(m.ID, "-")
	meta, err := parseMeta([]string{revision, field("time"), field("time")})
	if err != nil {
		return AuditEntry{}, fmt.Errorf("audit record %s: %w", m.ID, err)
	}
	return AuditEntry{
		ID: field("event"), Type: field("type"), Time: meta.UpdatedAt, Principal: field("principal"),
		ObjectID: field("id"), Object: json.RawMessage(field("object")), Revision: meta.Revision,
	}, nil
}

func (f AuditFilter) matches(e AuditEntry) bool {
	return (f.Type == "" || f.Type == e.Type) && (f.ObjectID == "" || f.ObjectID == e.ObjectID)
}
