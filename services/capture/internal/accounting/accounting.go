// Package accounting keeps what proxies report became of every request they saw:
// one Redis hash for each run of a proxy, for 30 days after its last report.
package accounting

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/redisdb"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// keep is how long the counts of a run outlive its last report.
const keep = 30 * 24 * time.Hour

const droppedPrefix = "dropped:"

// Book is the accounts of all proxies.
type Book struct {
	db    *redisdb.DB
	clock clock.Clock
}

// NewBook returns the accounts kept in db.
func NewBook(db *redisdb.DB, clk clock.Clock) *Book { return &Book{db: db, clock: clk} }

func (b *Book) index() string           { return b.db.Key("capture", "accounts") }
func (b *Book) key(proxy string) string { return b.db.Key("capture", "account", proxy) }

// record keeps a report unless a newer one of the same run is there. Two streams
// of one proxy, the old and the new after a break, may report out of order.
var record = redis.NewScript(`
local before = tonumber(redis.call('HGET', KEYS[1], 'reported_at') or '0')
if tonumber(ARGV[3]) < before then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'reported_at', ARGV[3], unpack(ARGV, 5))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2] - ARGV[4])
return 1`)

// Report keeps a proxy's counts. A report without a time counts as of now.
func (b *Book) Report(ctx context.Context, r *capturev1.ProxyAccounting) error {
	if r.GetProxyId() == "" {
		return fmt.Errorf("the accounting names no proxy")
	}
	now := b.clock.Now()
	at := now
	if r.GetReportedAt().IsValid() && r.GetReportedAt().GetSeconds() > 0 {
		at = r.GetReportedAt().AsTime()
	}
	args := []any{r.GetProxyId(), now.UnixMilli(), at.UnixMicro(), keep.Milliseconds()}
	for name, count := range counts(r) {
		args = append(args, name, strconv.FormatUint(*count, 10))
	}
	for reason, count := range r.GetDropped() {
		args = append(args, droppedPrefix+reason, strconv.FormatUint(count, 10))
	}
	if err := record.Run(ctx, b.db, []string{b.key(r.GetProxyId()), b.index()}, args...).Err(); err != nil {
		return fmt.Errorf("keep the accounting of %s: %w", r.GetProxyId(), err)
	}
	return nil
}

// counts are the plain counts by the name of their hash field.
func counts(r *capturev1.ProxyAccounting) map[string]*uint64 {
	return map[string]*uint64{"seen": &r.Seen, "stored": &r.Stored, "sampled": &r.Sampled, "pending": &r.Pending, "recovered": &r.Recovered}
}

// All returns the counts of every run that reported within the last 30 days, the
// one that reported last first, and their sum.
func (b *Book) All(ctx context.Context) (total *capturev1.ProxyAccounting, runs []*capturev1.ProxyAccounting, err error) {
	ids, err := b.db.ZRevRange(ctx, b.index(), 0, -1).Result()
	if err != nil {
		return nil, nil, fmt.Errorf("list the accounts of proxies: %w", err)
	}
	pipe := b.db.Pipeline()
	hashes := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		hashes[i] = pipe.HGetAll(ctx, b.key(id))
	}
	if _, err := pipe.Exec(ctx); err != nil && len(ids) > 0 {
		return nil, nil, fmt.Errorf("read the accounts of proxies: %w", err)
	}
	total = &capturev1.ProxyAccounting{Dropped: map[string]uint64{}}
	for i, id := range ids {
		hash := hashes[i].Val()
		if len(hash) == 0 {
			continue // expired since it was listed
		}
		run := parse(id, hash)
		runs = append(runs, run)
		add(total, run)
	}
	settle(total)
	return total, runs, nil
}

// settle moves what was recovered to where it belongs. A run that ended without
// warning left it as pending, or died before it reported it as seen; the run that
// found its spool had it stored. seen = stored + sampled + dropped + pending holds
// before and after.
func settle(total *capturev1.ProxyAccounting) {
	moved := min(total.GetRecovered(), total.GetPending())
	total.Stored += total.GetRecovered()
	total.Pending -= moved
	total.Seen += total.GetRecovered() - moved
}

func parse(id string, hash map[string]string) *capturev1.ProxyAccounting {
	r := &capturev1.ProxyAccounting{ProxyId: id, Dropped: map[string]uint64{}}
	for name, count := range counts(r) {
		*count = number(hash[name])
	}
	for name, text := range hash {
		if reason, ok := strings.CutPrefix(name, droppedPrefix); ok {
			r.Dropped[reason] = number(text)
		}
	}
	r.ReportedAt = timestamppb.New(time.UnixMicro(int64(number(hash["reported_at"])))) //nolint:gosec // written by Report
	return r
}

func number(text string) uint64 {
	n, _ := strconv.ParseUint(text, 10, 64) // fields are written by Report; one that is missing is 0
	return n
}

func add(total, run *capturev1.ProxyAccounting) {
	sums := counts(total)
	for name, count := range counts(run) {
		*sums[name] += *count
	}
	for reason, count := range run.GetDropped() {
		total.Dropped[reason] += count
	}
	if total.GetReportedAt().AsTime().Before(run.GetReportedAt().AsTime()) {
		total.ReportedAt = run.GetReportedAt()
	}
}
