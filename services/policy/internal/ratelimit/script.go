package ratelimit

import (
	"context"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/redisdb"
)

// script is a Lua script and the name by which Redis remembers it.
type script struct{ source, hash string }

func newScript(source string) script { return script{source, redis.NewScript(source).Hash()} }

// call runs a script on keys of one slot.
type call struct {
	script script
	keys   []string
	args   []any
	once   bool // not to be repeated when a reply is lost
}

// command is the call by the script's name, or with its source.
func (c call) command(ctx context.Context, source bool) *redis.Cmd {
	args := make([]any, 0, 3+len(c.keys)+len(c.args))
	if source {
		args = append(args, "eval", c.script.source, len(c.keys))
	} else {
		args = append(args, "evalsha", c.script.hash, len(c.keys))
	}
	for _, key := range c.keys {
		args = append(args, key)
	}
	cmd := redis.NewCmd(ctx, append(args, c.args...)...)
	cmd.SetFirstKeyPos(3)
	return cmd
}

// unrepeated is a command that the client does not send again by itself.
type unrepeated struct{ *redis.Cmd }

// NoRetry implements redis.Cmder.
func (unrepeated) NoRetry() bool { return true }

// run makes all calls in one round trip, in their order; a second one follows for
// those whose script Redis does not know yet. Each reply has its own error.
func run(ctx context.Context, db *redisdb.DB, calls []call) []*redis.Cmd {
	replies := make([]*redis.Cmd, len(calls))
	all := make([]int, len(calls))
	for i := range all {
		all[i] = i
	}
	send(ctx, db, calls, replies, all, false)
	unknown := all[:0]
	for i, r := range replies {
		if redis.HasErrorPrefix(r.Err(), "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	if len(unknown) > 0 {
		send(ctx, db, calls, replies, unknown, true)
	}
	return replies
}

func send(ctx context.Context, db *redisdb.DB, calls []call, replies []*redis.Cmd, which []int, source bool) {
	pipe := db.Pipeline()
	for _, i := range which {
		replies[i] = calls[i].command(ctx, source)
		var cmd redis.Cmder = replies[i]
		if calls[i].once {
			cmd = unrepeated{replies[i]}
		}
		_ = pipe.Process(ctx, cmd) // only queues
	}
	_, _ = pipe.Exec(ctx) // each reply has its own error
}
