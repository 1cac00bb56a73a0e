package resource

import (
	"context"
	"iter"

	"google.golang.org/protobuf/proto"
)

// Change is one change of a document. Doc is nil when Deleted.
type Change[T proto.Message] struct {
	ID      string
	Deleted bool
	Meta
	Doc T
}

// Change makes a record of this collection's kind a change; false for a record of
// another kind.
func (c *Collection[T]) Change(r Record) (Change[T], bool, error) {
	if r.Kind != c.kind {
		return Change[T]{}, false, nil
	}
	out := Change[T]{ID: r.ID, Deleted: r.Deleted, Meta: r.Meta}
	if r.Deleted {
		return out, true, nil
	}
	var err error
	out.Doc, err = c.openDoc(r.ID, r.doc)
	return out, err == nil, err
}

// Watch yields the changes of this collection after a revision, usually the one
// that All returned, and then each new one as it happens. It ends with the error
// of ctx or with [ErrReload]; [Collection.Follow] goes on by itself.
func (c *Collection[T]) Watch(ctx context.Context, after uint64) iter.Seq2[Change[T], error] {
	return func(yield func(Change[T], error) bool) {
		for record, err := range NewFeed(c.db).Watch(ctx, after) {
			if err != nil {
				yield(Change[T]{}, err)
				return
			}
			change, mine, err := c.Change(record)
			if err != nil {
				yield(Change[T]{}, err)
				return
			}
			if mine && !yield(change, nil) {
				return
			}
		}
	}
}

// Follow keeps a copy of the collection up to date until ctx ends, through
// outages and restarts of Redis: reset gets every document and the revision, at
// the start and whenever changes may have been missed; apply gets each change
// after that. Both run in Follow's goroutine. It returns the error of ctx, or of a
// document that cannot be read.
func (c *Collection[T]) Follow(ctx context.Context, reset func(all []Entry[T], revision uint64), apply func(Change[T])) error {
	load := func(ctx context.Context) (uint64, error) {
		all, revision, err := c.All(ctx)
		if err == nil {
			reset(all, revision)
		}
		return revision, err
	}
	return NewFeed(c.db).Follow(ctx, load, func(r Record) error {
		change, mine, err := c.Change(r)
		if mine {
			apply(change)
		}
		return err
	})
}
