package resource

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
)

//go:embed change.lua
var changeSource string

var changeScript = redis.NewScript(changeSource)

// Bounds of the streams, in entries (approximately: Redis trims whole nodes).
const (
	feedLength  = 1000
	auditLength = 100_000
)

type op string

const (
	opCreate op = "create"
	opUpdate op = "update"
	opDelete op = "delete"
)

// Outcomes of the script.
const (
	statusOK       = "ok"
	statusExists   = "exists"
	statusMissing  = "missing"
	statusConflict = "conflict"
	statusTaken    = "taken"
	statusOrphan   = "orphan"
	statusParent   = "parent"
)

// keys are where a collection lives. Revision, changes and audit are common to
// all collections.
type keys struct {
	revision, docs, order, unique, changes, audit, children string
}

func keysOf(db *redisdb.DB, kind Kind) keys {
	return keys{
		revision: db.Key("revision"),
		docs:     db.Key("docs", string(kind)),
		order:    db.Key("order", string(kind)),
		unique:   db.Key("unique", string(kind)),
		changes:  db.Key("changes"),
		audit:    db.Key("audit"),
		children: db.Key("children", string(kind)),
	}
}

// change is the input of the script.
type change struct {
	op                   op
	id                   string
	event                string // id of the audit record; also tells a repeated request from a new one
	expected             uint64
	doc                  string
	principal            string
	audit                string // redacted JSON
	parent               string
	oldUnique, newUnique []string
}

// result is what the script did.
type result struct {
	status        string
	meta          Meta
	value, holder string // of statusTaken; value is the parent of statusOrphan, the number of children of statusParent
}

func (c *Collection[T]) change(ctx context.Context, o op, docID string) (*change, error) {
	if docID == "" {
		return nil, errs.InvalidField("id", "the id of the %s is empty", c.noun())
	}
	return &change{op: o, id: docID, event: id.Event.New(), principal: rpc.Principal(ctx)}, nil
}

func (c *Collection[T]) apply(ctx context.Context, ch *change) (result, error) {
	k := c.keys
	args := []any{
		string(ch.op), string(c.kind), ch.id, ch.event, ch.expected, ch.doc,
		c.opts.AuditType + "_" + string(ch.op) + "d.v0", ch.principal, ch.audit, feedLength, auditLength, ch.parent, len(ch.oldUnique),
	}
	for _, v := range append(append([]string{}, ch.oldUnique...), ch.newUnique...) {
		args = append(args, v)
	}
	above := keysOf(c.db, c.opts.ParentKind)
	names := []string{k.revision, k.docs, k.order, k.unique, k.changes, k.audit, k.children, above.docs, above.children}
	reply, err := changeScript.Run(ctx, c.db, names, args...).StringSlice()
	if err != nil {
		return result{}, unavailable(err)
	}
	return parseResult(reply)
}

func parseResult(reply []string) (result, error) {
	bad := fmt.Errorf("the change script answered %q", reply)
	if len(reply) == 0 {
		return result{}, bad
	}
	res := result{status: reply[0]}
	switch {
	case res.status == statusTaken && len(reply) == 3:
		res.value, res.holder = reply[1], reply[2]
	case (res.status == statusOrphan || res.status == statusParent) && len(reply) == 2:
		res.value = reply[1]
	case res.status == statusOK && len(reply) == 4:
		var err error
		if res.meta, err = parseMeta(reply[1:]); err != nil {
			return result{}, err
		}
	case len(reply) != 1:
		return result{}, bad
	}
	return res, nil
}

func parseMeta(fields []string) (Meta, error) {
	var n [3]uint64
	for i := range n {
		v, err := strconv.ParseUint(fields[i], 10, 64)
		if err != nil {
			return Meta{}, fmt.Errorf("stored document: %w", err)
		}
		n[i] = v
	}
	return Meta{Revision: n[0], CreatedAt: micros(n[1]), UpdatedAt: micros(n[2])}, nil
}

func isNil(err error) bool { return errors.Is(err, redis.Nil) }

// unavailable is a failure of Redis as callers of an API may see it.
func unavailable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return errs.Unavailable("the configuration store does not answer; try again").Because(err)
}
