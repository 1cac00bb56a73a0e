// Package outbox sends notifications that were stored together with the change of
// state that caused them. An item stays until it was sent or given up, so a crash
// loses none; it is sent by whoever holds the lease of the monitors, so replicas
// do not repeat one. Only a crash between an answer and its recording repeats it.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protojson"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/lease"
	"sluice.dev/services/events/internal/notify"
)

// Job is the name of the lease under which monitors are evaluated and
// notifications sent.
const Job = "monitors"

// Item is one notification to one channel.
type Item struct {
	// Key is unique: monitor, cycle, transition, channel.
	Key          string        `json:"key"`
	TransitionID string        `json:"transition_id"`
	ChannelID    string        `json:"channel_id"`
	ChannelName  string        `json:"channel_name"`
	Notice       notify.Notice `json:"notice"`
	// After is the transition whose notification to this channel must have arrived
	// before; empty: none. AfterKey is that notification's key.
	After    string `json:"after,omitempty"`
	AfterKey string `json:"after_key,omitempty"`
	Attempts int    `json:"attempts"`
}

// KeyOf makes the key of an item.
func KeyOf(monitor string, cycle uint64, transition, channel string) string {
	return fmt.Sprintf("%s/%d/%s/%s", monitor, cycle, transition, channel)
}

// Store is the outbox in Redis.
type Store struct{ db *redisdb.DB }

// NewStore returns the outbox of db. It does no I/O.
func NewStore(db *redisdb.DB) *Store { return &Store{db} }

// ItemsKey and DueKey are where items and the times at which they are due are, and
// ResultsPrefix begins the keys of results by transition: for the script that
// stores them together with a change of state.
func (s *Store) ItemsKey() string { return s.db.Key("outbox", "items") }

// DueKey is a sorted set of item keys by milliseconds.
func (s *Store) DueKey() string { return s.db.Key("outbox", "due") }

// ResultsPrefix begins the key of the results of a transition.
func (s *Store) ResultsPrefix() string { return s.db.Key("outbox", "results") + ":" }

var finish = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
redis.call('HSET', KEYS[4], ARGV[3], ARGV[4])
if ARGV[5] == '' then
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('ZREM', KEYS[3], ARGV[2])
else
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[5])
  redis.call('ZADD', KEYS[3], ARGV[6], ARGV[2])
end
return 'ok'`)

// settle records an item's result and takes it off the outbox.
func (s *Store) settle(ctx context.Context, token int64, it Item, r *eventsv1.NotificationResult) error {
	return s.finish(ctx, token, it, r, "", 0)
}

// again records a result and keeps the item until due.
func (s *Store) again(ctx context.Context, token int64, it Item, r *eventsv1.NotificationResult, due time.Time) error {
	raw, err := json.Marshal(it)
	if err != nil {
		return err
	}
	return s.finish(ctx, token, it, r, string(raw), due.UnixMilli())
}

func (s *Store) finish(ctx context.Context, token int64, it Item, r *eventsv1.NotificationResult, kept string, due int64) error {
	result, err := protojson.Marshal(r)
	if err != nil {
		return err
	}
	keys := []string{lease.Key(s.db, Job), s.ItemsKey(), s.DueKey(), s.ResultsPrefix() + it.TransitionID}
	status, err := finish.Run(ctx, s.db, keys, token, it.Key, it.ChannelID, string(result), kept, due).Text()
	if err == nil && status == "lost" {
		return lease.ErrLost
	}
	return wrap(err)
}

// due returns items whose time has come, oldest first.
func (s *Store) due(ctx context.Context, now time.Time, limit int64) ([]Item, error) {
	keys, err := s.db.ZRangeByScore(ctx, s.DueKey(), &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: limit}).Result()
	if err != nil || len(keys) == 0 {
		return nil, wrap(err)
	}
	raw, err := s.db.HMGet(ctx, s.ItemsKey(), keys...).Result()
	if err != nil {
		return nil, wrap(err)
	}
	var items []Item
	for i, v := range raw {
		text, ok := v.(string)
		if !ok {
			continue
		}
		var it Item
		if err := json.Unmarshal([]byte(text), &it); err != nil {
			return nil, fmt.Errorf("the notification %s is damaged: %w", keys[i], err)
		}
		items = append(items, it)
	}
	return items, nil
}

// waiting reports whether an item is still in the outbox.
func (s *Store) waiting(ctx context.Context, key string) (bool, error) {
	found, err := s.db.HExists(ctx, s.ItemsKey(), key).Result()
	return found, wrap(err)
}

// Results are what the channels of a transition answered, by channel id.
func (s *Store) Results(ctx context.Context, transition string) (map[string]*eventsv1.NotificationResult, error) {
	raw, err := s.db.HGetAll(ctx, s.ResultsPrefix()+transition).Result()
	if err != nil {
		return nil, wrap(err)
	}
	out := make(map[string]*eventsv1.NotificationResult, len(raw))
	for channel, text := range raw {
		r := &eventsv1.NotificationResult{}
		if err := protojson.Unmarshal([]byte(text), r); err != nil {
			return nil, fmt.Errorf("a stored result of %s is damaged: %w", transition, err)
		}
		out[channel] = r
	}
	return out, nil
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return errs.Unavailable("notifications cannot be read or stored; try again").Because(err)
}
