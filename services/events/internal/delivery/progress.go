package delivery

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/lease"
)

// Bounds of what is kept of refused records, per destination.
const (
	deadLetters  = 1000
	deadEventMax = 64 << 10 // bytes; of a larger event only the id and the reason stay
)

// errGone says that the pair of subscription and destination is no more.
var errGone = errors.New("the subscription no longer sends to this destination")

//go:embed commit.lua
var commitSource string

var (
	commitScript = redis.NewScript(commitSource)
	failScript   = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
if redis.call('EXISTS', KEYS[2]) == 0 then return 'gone' end
for i = 2, 3 do redis.call('HSET', KEYS[i], 'last_error_at', ARGV[2], 'last_error', ARGV[3]) end
return 'ok'`)
)

// pair is one subscription's way to one destination.
type pair struct{ subscription, destination string }

func (p pair) name() string { return p.subscription + ":" + p.destination }

func (p pair) job() string { return "delivery:" + p.name() }

// Progress keeps in Redis how far deliveries got and how they fare.
type Progress struct{ db *redisdb.DB }

// NewProgress returns the progress of all deliveries in db. It does no I/O.
func NewProgress(db *redisdb.DB) *Progress { return &Progress{db} }

func (p *Progress) pairKey(at pair) string { return p.db.Key("delivery", at.name()) }

func (p *Progress) destinationKey(id string) string { return p.db.Key("delivery", id) }

func (p *Progress) deadKey(id string) string { return p.db.Key("delivery", "dead", id) }

// start is where a delivery begins: at a position of the log or, when capture
// could not tell one, with what was completed since a moment.
type start struct {
	position string
	since    time.Time
}

// create records where a new pair begins. One that began already goes on.
func (p *Progress) create(ctx context.Context, at pair, s start) error {
	return wrap(p.db.HSetNX(ctx, p.pairKey(at), "start", s.position+"|"+strconv.FormatInt(millis(s.since), 10)).Err())
}

// Forget drops what is known of a pair that is no more.
func (p *Progress) forget(ctx context.Context, at pair) error {
	return wrap(p.db.Del(ctx, p.pairKey(at)).Err())
}

// Forget drops what is known of a destination that is no more.
func (p *Progress) Forget(ctx context.Context, destination string) error {
	return wrap(p.db.Del(ctx, p.destinationKey(destination), p.deadKey(destination)).Err())
}

// resume returns from where a pair goes on.
func (p *Progress) resume(ctx context.Context, at pair) (start, error) {
	values, err := p.db.HMGet(ctx, p.pairKey(at), "position", "start").Result()
	if err != nil {
		return start{}, wrap(err)
	}
	begin, ok := values[1].(string)
	if !ok {
		return start{}, errGone
	}
	s, err := parseStart(begin)
	if position, ok := values[0].(string); ok {
		s.position = position
	}
	return s, err
}

func parseStart(text string) (start, error) {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '|' {
			ms, err := strconv.ParseInt(text[i+1:], 10, 64)
			if err != nil {
				break
			}
			return start{text[:i], fromMillis(ms)}, nil
		}
	}
	return start{}, fmt.Errorf("the stored start of a delivery is damaged: %.80q", text)
}

// rejected is a record that was refused for good.
type rejected struct {
	EventID string          `json:"event_id"`
	Reason  string          `json:"reason"`
	Event   json.RawMessage `json:"event,omitempty"`
}

// commit moves the position (empty: stays) and counts, all in one step.
func (p *Progress) commit(ctx context.Context, at pair, token int64, position string, delivered int, refused []rejected) error {
	args := []any{token, position, delivered, millis(time.Now()), at.subscription, deadLetters, len(refused)}
	for _, r := range refused {
		args = append(args, r.EventID, r.Reason, string(r.Event))
	}
	keys := []string{lease.Key(p.db, at.job()), p.pairKey(at), p.destinationKey(at.destination), p.deadKey(at.destination)}
	return verdictOf(commitScript.Run(ctx, p.db, keys, args...).Text())
}

// fail records why nothing gets through.
func (p *Progress) fail(ctx context.Context, at pair, token int64, reason string) error {
	keys := []string{lease.Key(p.db, at.job()), p.pairKey(at), p.destinationKey(at.destination)}
	return verdictOf(failScript.Run(ctx, p.db, keys, token, millis(time.Now()), reason).Text())
}

func verdictOf(text string, err error) error {
	switch {
	case err != nil:
		return wrap(err)
	case text == "lost":
		return lease.ErrLost
	case text == "gone":
		return errGone
	}
	return nil
}

// OfPair tells how a subscription's delivery to a destination goes.
func (p *Progress) OfPair(ctx context.Context, subscription, destination string) (*eventsv1.DeliveryStatus, error) {
	return p.status(ctx, p.pairKey(pair{subscription, destination}))
}

// OfDestination tells how delivery to a destination goes, over all subscriptions.
func (p *Progress) OfDestination(ctx context.Context, id string) (*eventsv1.DeliveryStatus, error) {
	return p.status(ctx, p.destinationKey(id))
}

func (p *Progress) status(ctx context.Context, key string) (*eventsv1.DeliveryStatus, error) {
	values, err := p.db.HMGet(ctx, key, "last_success_at", "last_error_at", "last_error", "delivered", "rejected").Result()
	if err != nil {
		return nil, wrap(err)
	}
	text := func(i int) string { s, _ := values[i].(string); return s }
	count := func(i int) uint64 { n, _ := strconv.ParseUint(text(i), 10, 64); return n }
	return &eventsv1.DeliveryStatus{
		LastSuccessAt: stamp(text(0)), LastErrorAt: stamp(text(1)), LastError: text(2), Delivered: count(3), Rejected: count(4),
	}, nil
}

func stamp(ms string) *timestamppb.Timestamp {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || n == 0 {
		return nil
	}
	return timestamppb.New(time.UnixMilli(n))
}

// millis is 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return errs.Unavailable("the progress of deliveries cannot be read or stored; try again").Because(err)
}
