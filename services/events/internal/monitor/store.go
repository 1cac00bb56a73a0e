package monitor

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/lease"
	"sluice.dev/services/events/internal/outbox"
)

// transitionsKept is how many changes of state are kept per monitor.
const transitionsKept = 1000

// errConflict says that a state was not stored because it is not the one that was
// read.
var errConflict = errors.New("the monitor's state was changed meanwhile")

//go:embed commit.lua
var commitSource string

var commitScript = redis.NewScript(commitSource)

// Transition is a stored change of state.
type Transition struct {
	ID      string                `json:"id"`
	From    eventsv1.MonitorState `json:"from"`
	To      eventsv1.MonitorState `json:"to"`
	At      time.Time             `json:"at"`
	Value   float64               `json:"value"`
	Reason  string                `json:"reason,omitempty"`
	Targets []Target              `json:"targets,omitempty"`
}

// Target is a channel that a change was to be told to. Problem says why it was not
// even tried.
type Target struct {
	ChannelID string `json:"channel_id,omitempty"`
	Name      string `json:"name"`
	Problem   string `json:"problem,omitempty"`
}

// Store keeps states and transitions in Redis.
type Store struct {
	db     *redisdb.DB
	outbox *outbox.Store
}

// NewStore returns the store of db. It does no I/O.
func NewStore(db *redisdb.DB, o *outbox.Store) *Store { return &Store{db, o} }

func (s *Store) stateKey(id string) string { return s.db.Key("monitor", id) }

func (s *Store) transitionsKey(id string) string { return s.db.Key("monitor", id, "transitions") }

// versioned is a state with what it takes to replace it.
type versioned struct {
	State
	version uint64
}

// load returns a monitor's state; the zero State when it never had one.
func (s *Store) load(ctx context.Context, id string) (versioned, error) {
	values, err := s.db.HMGet(ctx, s.stateKey(id), "state", "version").Result()
	if err != nil {
		return versioned{}, wrap(err)
	}
	raw, ok := values[0].(string)
	if !ok {
		return versioned{}, nil
	}
	var v versioned
	if err := json.Unmarshal([]byte(raw), &v.State); err != nil {
		return versioned{}, fmt.Errorf("the state of monitor %s is damaged: %w", id, err)
	}
	number, _ := values[1].(string)
	v.version, err = strconv.ParseUint(number, 10, 64)
	return v, err
}

// commit replaces a state under the lease with this token, and stores with it a
// transition (nil: none) and the notifications that it causes.
func (s *Store) commit(ctx context.Context, token int64, id string, v *versioned, t *Transition, items []outbox.Item) error {
	state, err := json.Marshal(v.State)
	if err != nil {
		return err
	}
	args := []any{token, v.version, string(state), time.Now().UnixMilli(), transitionsKept, s.outbox.ResultsPrefix()}
	transition := ""
	if t != nil {
		raw, err := json.Marshal(t)
		if err != nil {
			return err
		}
		transition = string(raw)
	}
	args = append(args, transition)
	for _, it := range items {
		raw, err := json.Marshal(it)
		if err != nil {
			return err
		}
		args = append(args, it.Key, string(raw))
	}
	keys := []string{lease.Key(s.db, outbox.Job), s.stateKey(id), s.transitionsKey(id), s.outbox.ItemsKey(), s.outbox.DueKey()}
	status, err := commitScript.Run(ctx, s.db, keys, args...).Text()
	switch {
	case err != nil:
		return wrap(err)
	case status == "lost":
		return lease.ErrLost
	case status == "conflict":
		return errConflict
	}
	v.version++
	return nil
}

// State is what a monitor is in, for the API.
func (s *Store) State(ctx context.Context, id string) (State, error) {
	v, err := s.load(ctx, id)
	return v.State, err
}

// Transitions are a monitor's changes of state, newest first.
func (s *Store) Transitions(ctx context.Context, id string, limit int64) ([]Transition, error) {
	raw, err := s.db.LRange(ctx, s.transitionsKey(id), 0, limit-1).Result()
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]Transition, len(raw))
	for i, text := range raw {
		if err := json.Unmarshal([]byte(text), &out[i]); err != nil {
			return nil, fmt.Errorf("a transition of monitor %s is damaged: %w", id, err)
		}
	}
	return out, nil
}

// Forget drops what is known of a monitor that is no more.
func (s *Store) Forget(ctx context.Context, id string) error {
	all, err := s.Transitions(ctx, id, transitionsKept)
	if err != nil {
		return err
	}
	keys := []string{s.stateKey(id), s.transitionsKey(id)}
	for _, t := range all {
		keys = append(keys, s.outbox.ResultsPrefix()+t.ID)
	}
	return wrap(s.db.Del(ctx, keys...).Err())
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return errs.Unavailable("the states of monitors cannot be read or stored; try again").Because(err)
}
