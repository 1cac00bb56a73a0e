package resource

import (
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/sealed"
)

// Sealer encrypts the secrets of documents, as [sealed.Ring] does.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Open(text, context []byte) ([]byte, error)
	// Newest reports whether a text is sealed with the key that Seal uses.
	Newest(text []byte) (bool, error)
}

var _ Sealer = (*sealed.Ring)(nil)

// sealedMark begins a document whose secrets are sealed. No protobuf message can
// begin with a zero byte.
const sealedMark = "\x00sealed\n"

// sealDoc returns the stored form of doc: with each field that is marked
// debug_redact sealed, bound to the document and its place in it.
func (c *Collection[T]) sealDoc(id string, doc T) (string, error) {
	mark := ""
	if c.opts.Seal != nil {
		doc = proto.CloneOf(doc)
		err := redact.Replace(doc, func(path string, kind protoreflect.Kind, value []byte) ([]byte, error) {
			mark = sealedMark
			text, err := c.opts.Seal.Seal(value, c.place(id, path))
			return toText(kind, text), err
		})
		if err != nil {
			return "", err
		}
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(doc)
	return mark + string(raw), err
}

// openDoc is the inverse of sealDoc.
func (c *Collection[T]) openDoc(id, body string) (T, error) {
	doc, isSealed, err := c.readDoc(body)
	if err != nil || !isSealed || c.closed {
		return doc, err
	}
	seal := c.opts.Seal
	if seal == nil {
		seal = (*sealed.Ring)(nil) // says that there is no key
	}
	err = redact.Replace(doc, func(path string, kind protoreflect.Kind, value []byte) ([]byte, error) {
		text, err := fromText(kind, value)
		if err != nil {
			return nil, err
		}
		return seal.Open(text, c.place(id, path))
	})
	if err != nil && errs.As(err) == nil {
		err = fmt.Errorf("open the secrets of the %s %s: %w", c.noun(), id, err)
	}
	if err != nil {
		var none T
		return none, err
	}
	return doc, nil
}

// readDoc parses a stored document and leaves its secrets as they are.
func (c *Collection[T]) readDoc(body string) (doc T, isSealed bool, err error) {
	doc = doc.ProtoReflect().Type().New().Interface().(T)
	body, isSealed = strings.CutPrefix(body, sealedMark)
	if err := proto.Unmarshal([]byte(body), doc); err != nil {
		var none T
		return none, isSealed, fmt.Errorf("decode a stored %s: %w", c.noun(), err)
	}
	return doc, isSealed, nil
}

// place binds a sealed text to one field of one document, for all its revisions.
func (c *Collection[T]) place(id, path string) []byte {
	return []byte(strings.Join([]string{string(c.kind), id, path}, "\x00"))
}

func toText(kind protoreflect.Kind, raw []byte) []byte {
	if kind == protoreflect.BytesKind {
		return raw
	}
	return base64.StdEncoding.AppendEncode(nil, raw)
}

func fromText(kind protoreflect.Kind, text []byte) ([]byte, error) {
	if kind == protoreflect.BytesKind {
		return text, nil
	}
	return base64.StdEncoding.AppendDecode(nil, text)
}

// Closed reads documents and leaves their secrets sealed, so it needs no key.
// What it returns must not be stored.
type Closed[T proto.Message] struct{ c *Collection[T] }

// Closed returns the collection as a listing that shows no secrets reads it.
func (c *Collection[T]) Closed() Closed[T] {
	other := *c
	other.closed = true
	return Closed[T]{&other}
}

// Get is [Collection.Get].
func (c Closed[T]) Get(ctx context.Context, id string) (T, Meta, error) { return c.c.Get(ctx, id) }

// List is [Collection.List].
func (c Closed[T]) List(ctx context.Context, limit int, cursor string) ([]Entry[T], string, error) {
	return c.c.List(ctx, limit, cursor)
}

// All is [Collection.All].
func (c Closed[T]) All(ctx context.Context) ([]Entry[T], uint64, error) { return c.c.All(ctx) }

// Change is [Collection.Change].
func (c Closed[T]) Change(r Record) (Change[T], bool, error) { return c.c.Change(r) }

// GetUnique is [Collection.GetUnique].
func (c Closed[T]) GetUnique(ctx context.Context, value string) (Entry[T], error) {
	return c.c.GetUnique(ctx, value)
}

//go:embed reseal.lua
var resealSource string

var resealScript = redis.NewScript(resealSource)

// Reseal seals every document anew whose secrets are in clear or not sealed with
// the newest key, and returns how many. Their content, and so their revision,
// stays the same. It stops at the first that cannot be opened.
func (c *Collection[T]) Reseal(ctx context.Context) (n int, err error) {
	if c.opts.Seal == nil {
		_, err := (*sealed.Ring)(nil).Seal(nil, nil)
		return 0, err
	}
	docs, err := c.db.HGetAll(ctx, c.keys.docs).Result()
	if err != nil {
		return 0, unavailable(err)
	}
	for id, raw := range docs {
		done, err := c.resealOne(ctx, id, raw)
		if err != nil {
			return n, err
		}
		if done {
			n++
		}
	}
	return n, nil
}

// resealOne leaves a document alone that changed meanwhile: then it was sealed
// with the newest key.
func (c *Collection[T]) resealOne(ctx context.Context, id, raw string) (bool, error) {
	head, body, _ := strings.Cut(raw, "\n")
	old, err := c.needsSeal(body)
	if err != nil || !old {
		return false, err
	}
	doc, err := c.openDoc(id, body)
	if err != nil {
		return false, err
	}
	now, err := c.sealDoc(id, doc)
	if err != nil {
		return false, err
	}
	stored, err := resealScript.Run(ctx, c.db, []string{c.keys.docs}, id, raw, head+"\n"+now).Int()
	if err != nil {
		return false, unavailable(err)
	}
	return stored == 1, nil
}

// needsSeal reports whether a stored document has a secret that is in clear or
// sealed with an older key.
func (c *Collection[T]) needsSeal(body string) (needs bool, err error) {
	doc, isSealed, err := c.readDoc(body)
	if err != nil {
		return false, err
	}
	err = redact.Replace(doc, func(_ string, kind protoreflect.Kind, value []byte) ([]byte, error) {
		if !isSealed {
			needs = true
			return value, nil
		}
		text, err := fromText(kind, value)
		if err != nil {
			return nil, err
		}
		newest, err := c.opts.Seal.Newest(text)
		needs = needs || !newest
		return value, err
	})
	return needs, err
}
