package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Retention says how long rows are kept, by kind, from the time of their exchange.
// Bodies and Messages zero or longer than Exchanges means as long as those; Counts
// zero means as long as Exchanges.
type Retention struct {
	Exchanges, Bodies, Messages, Counts time.Duration
}

// kind is one of the tables.
type kind struct {
	table, time, description string
	keep                     func(Retention) time.Duration
}

var kinds = []kind{
	{"exchanges", "ts", "Exchanges with their headers and the first 16 KiB of their bodies", func(r Retention) time.Duration { return r.Exchanges }},
	{"bodies", "ts", "The rest of larger bodies", func(r Retention) time.Duration { return within(r.Bodies, r.Exchanges) }},
	{"messages", "ts", "Messages of WebSockets, gRPC calls and event streams", func(r Retention) time.Duration { return within(r.Messages, r.Exchanges) }},
	{"exchanges_minute", "minute", "Counts by minute, endpoint, route, method and status", func(r Retention) time.Duration { return max(r.Counts, r.Exchanges) }},
	{"exchanges_hour", "hour", "Counts by hour and client", func(r Retention) time.Duration { return max(r.Counts, r.Exchanges) }},
}

func within(d, limit time.Duration) time.Duration {
	if d == 0 {
		return limit
	}
	return min(d, limit)
}

const (
	// Rewriting a part to remove rows costs as much as writing it: a day's part is
	// rewritten about expiries times while its rows expire.
	expiries    = 20
	minTTLMerge = 10 * time.Minute
	maxTTLMerge = 4 * time.Hour
)

// setRetention makes ClickHouse remove old rows. It changes a table only when the
// time differs, since a change rewrites what parts know of it.
func (s *Store) setRetention(ctx context.Context) error {
	for _, k := range kinds {
		keep := k.keep(s.options.Retention)
		engine, err := s.engine(ctx, k.table)
		if err != nil {
			return err
		}
		column := k.time
		if k.time == "ts" { // a TTL is of DateTime
			column = "toDateTime(ts)"
		}
		if want := fmt.Sprintf("%s + toIntervalSecond(%d)", column, int64(keep/time.Second)); !strings.Contains(engine, "TTL "+want) {
			if err := s.conn.Exec(ctx, "ALTER TABLE "+k.table+s.options.cluster()+" MODIFY TTL "+want); err != nil {
				return fmt.Errorf("set the retention of %s: %w", k.table, err)
			}
		}
		pause := min(max(keep/expiries, minTTLMerge), maxTTLMerge)
		if err := s.setTable(ctx, k.table, "merge_with_ttl_timeout", fmt.Sprint(int64(pause/time.Second))); err != nil {
			return err
		}
	}
	return nil
}
