package resource

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/redisdb"
)

// Kind names a collection, such as "endpoint". It is part of its Redis keys.
type Kind string

// maxAttempts bounds how often Update tries again after losing to another writer.
const maxAttempts = 100

// Meta is what the store knows about a document.
type Meta struct {
	Revision             uint64 // global revision of the last change
	CreatedAt, UpdatedAt time.Time
}

// Entry is a document with its id.
type Entry[T proto.Message] struct {
	ID string
	Meta
	Doc T
}

// Options say how a collection treats its documents. All are optional.
type Options[T proto.Message] struct {
	// Unique returns values that no two documents of the collection may share.
	Unique func(T) []string
	// AuditType begins the types of audit records: "endpoint" makes
	// "endpoint_created.v0". The kind when empty.
	AuditType string
	// Redact returns the document without secrets, for the audit record;
	// [redact.Message] when nil.
	Redact func(T) T
	// Seal encrypts every field that is marked debug_redact before a document is
	// stored; documents that were stored in clear stay readable. Without it all is
	// stored in clear. Unique, Redact and Parent must not look at such fields.
	Seal Sealer
	// Parent returns the id of the document of ParentKind that a document belongs
	// to, and with that cannot be without: it has to exist when the document is
	// created, and cannot be deleted before it. A document cannot change its parent.
	Parent     func(T) string
	ParentKind Kind
}

// Collection is all documents of one kind. It is safe for concurrent use, also
// by many processes on one Redis.
type Collection[T proto.Message] struct {
	db   *redisdb.DB
	kind Kind
	opts Options[T]
	keys keys

	closed bool // secrets are left sealed
}

// New returns the collection of kind. It does no I/O.
func New[T proto.Message](db *redisdb.DB, kind Kind, opts Options[T]) *Collection[T] {
	if opts.AuditType == "" {
		opts.AuditType = string(kind)
	}
	if opts.Redact == nil {
		opts.Redact = redact.Message[T]
	}
	if opts.Unique == nil {
		opts.Unique = func(T) []string { return nil }
	}
	if opts.Parent == nil {
		opts.Parent = func(T) string { return "" }
	}
	return &Collection[T]{db: db, kind: kind, opts: opts, keys: keysOf(db, kind)}
}

// Create stores a new document. It fails with ALREADY_EXISTS when the id or one
// of the unique values is taken.
func (c *Collection[T]) Create(ctx context.Context, id string, doc T) (T, Meta, error) {
	ch, err := c.change(ctx, opCreate, id)
	if err != nil {
		return doc, Meta{}, err
	}
	if err := c.fill(ch, doc, doc); err != nil {
		return doc, Meta{}, err
	}
	ch.newUnique, ch.parent = c.opts.Unique(doc), c.opts.Parent(doc)
	res, err := c.apply(ctx, ch)
	if err != nil {
		return doc, Meta{}, err
	}
	switch res.status {
	case statusOK:
		return doc, res.meta, nil
	case statusTaken:
		return doc, Meta{}, c.taken(res)
	case statusOrphan:
		return doc, Meta{}, errs.NotFound(string(c.opts.ParentKind), res.value)
	}
	return doc, Meta{}, errs.New(codes.AlreadyExists, errs.ReasonAlreadyExists, "the %s %q exists already", c.noun(), id)
}

// Get returns a document; NOT_FOUND when there is none.
func (c *Collection[T]) Get(ctx context.Context, id string) (T, Meta, error) {
	raw, err := c.db.HGet(ctx, c.keys.docs, id).Result()
	if isNil(err) {
		var none T
		return none, Meta{}, c.notFound(id)
	}
	if err != nil {
		var none T
		return none, Meta{}, unavailable(err)
	}
	return c.decode(id, raw)
}

// GetUnique returns the document that has a unique value; NOT_FOUND when none has.
func (c *Collection[T]) GetUnique(ctx context.Context, value string) (Entry[T], error) {
	id, err := c.db.HGet(ctx, c.keys.unique, value).Result()
	if isNil(err) {
		return Entry[T]{}, c.notFound(value)
	}
	if err != nil {
		return Entry[T]{}, unavailable(err)
	}
	doc, meta, err := c.Get(ctx, id)
	return Entry[T]{ID: id, Meta: meta, Doc: doc}, err
}

// Update reads the document, lets change make a new one of it, and stores that
// unless another writer was faster, in which case it starts again: change may run
// several times. What change gets is its own copy. An error of change is returned
// as it is and nothing is stored; a document that stays equal is not stored again.
func (c *Collection[T]) Update(ctx context.Context, id string, change func(T) (T, error)) (T, Meta, error) {
	for attempt := range maxAttempts {
		doc, meta, done, err := c.tryUpdate(ctx, id, change)
		if done || err != nil {
			return doc, meta, err
		}
		if err := pause(ctx, attempt); err != nil {
			return doc, Meta{}, err
		}
	}
	var none T
	return none, Meta{}, errs.New(codes.Aborted, errs.ReasonConflict, "the %s %q is being changed by many others at once; try again", c.noun(), id)
}

func (c *Collection[T]) tryUpdate(ctx context.Context, id string, change func(T) (T, error)) (doc T, meta Meta, done bool, err error) {
	old, meta, err := c.Get(ctx, id)
	if err != nil {
		return doc, Meta{}, false, err
	}
	doc, err = change(proto.CloneOf(old))
	if err != nil || proto.Equal(old, doc) {
		return doc, meta, true, err
	}
	ch, err := c.change(ctx, opUpdate, id)
	if err != nil {
		return doc, Meta{}, false, err
	}
	if err := c.fill(ch, doc, doc); err != nil {
		return doc, Meta{}, false, err
	}
	ch.expected, ch.oldUnique, ch.newUnique = meta.Revision, c.opts.Unique(old), c.opts.Unique(doc)
	res, err := c.apply(ctx, ch)
	if err != nil {
		return doc, Meta{}, false, err
	}
	switch res.status {
	case statusOK:
		return doc, res.meta, true, nil
	case statusTaken:
		return doc, Meta{}, true, c.taken(res)
	}
	return doc, Meta{}, false, nil // conflict, or deleted meanwhile: the next Get tells
}

// Delete removes a document; NOT_FOUND when there is none, FAILED_PRECONDITION
// while others have it as their parent. It needs no key for its secrets.
func (c *Collection[T]) Delete(ctx context.Context, id string) error {
	for attempt := range maxAttempts {
		old, meta, err := c.Closed().Get(ctx, id)
		if err != nil {
			return err
		}
		ch, err := c.change(ctx, opDelete, id)
		if err != nil {
			return err
		}
		var none T
		if err := c.fill(ch, none, old); err != nil {
			return err
		}
		ch.expected, ch.oldUnique, ch.parent = meta.Revision, c.opts.Unique(old), c.opts.Parent(old)
		res, err := c.apply(ctx, ch)
		if err == nil && res.status == statusParent {
			return errs.New(codes.FailedPrecondition, errs.ReasonPrecondition, "the %s %s still holds %s others; delete these first", c.noun(), id, res.value)
		}
		if err != nil || res.status == statusOK || res.status == statusMissing {
			return err // missing: it was there a moment ago, and is gone as asked
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
	return errs.New(codes.Aborted, errs.ReasonConflict, "the %s %q is being changed by many others at once; try again", c.noun(), id)
}

func (c *Collection[T]) noun() string { return strings.ReplaceAll(c.opts.AuditType, "_", " ") }

func (c *Collection[T]) notFound(id string) error { return errs.NotFound(c.noun(), id) }

func (c *Collection[T]) taken(res result) error {
	return errs.New(codes.AlreadyExists, errs.ReasonAlreadyExists, "the %s %s has %q already", c.noun(), res.holder, res.value)
}

// pause spreads writers that collided.
func pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(time.Duration(min(attempt, 10)) * time.Millisecond)):
		return nil
	}
}
