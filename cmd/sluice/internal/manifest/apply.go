package manifest

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice.dev/cmd/sluice/internal/client"
)

// Result is what became of one document.
type Result struct {
	Kind, ID, Key string
	Created       bool
}

// Apply makes the gateway's configuration what docs say and calls done after each
// document. It stops at the first that is refused; what was applied stays.
func Apply(ctx context.Context, c *client.Client, docs []Document, done func(Result)) error {
	given := map[string]string{} // id in the manifest -> id here
	existing := map[string][]proto.Message{}
	for _, d := range docs {
		k := kindNamed(d.Kind)
		if _, read := existing[d.Kind]; !read {
			all, err := readAll(ctx, c, k)
			if err != nil {
				return fmt.Errorf("list each %s: %w", d.Kind, err)
			}
			existing[d.Kind] = all
		}
		rewriteReferences(d.Message.ProtoReflect(), given)
		r, err := applyOne(ctx, c, k, d, existing[d.Kind])
		if err != nil {
			return fmt.Errorf("%s at line %d: %w", d.Kind, d.Line, err)
		}
		if named := idOf(d.Message); named != "" {
			given[named] = r.ID
		}
		done(r)
	}
	return nil
}

func applyOne(ctx context.Context, c *client.Client, k *kind, d Document, existing []proto.Message) (Result, error) {
	out := Result{Kind: d.Kind, Key: k.key(d.Message)}
	msg := proto.Clone(d.Message)
	if found := find(k, msg, existing); found != nil {
		setID(msg, idOf(found))
		updated, err := k.update(ctx, c, msg, d.Mask)
		if err != nil {
			return out, err
		}
		out.ID = idOf(updated)
		return out, nil
	}
	setID(msg, "")
	created, err := k.create(ctx, c, msg)
	if err != nil {
		return out, err
	}
	out.ID, out.Created = idOf(created), true
	return out, nil
}

// find is the existing resource that a document is about: by id, else by key.
func find(k *kind, msg proto.Message, existing []proto.Message) proto.Message {
	for _, e := range existing {
		if id := idOf(msg); id != "" && id == idOf(e) {
			return e
		}
	}
	for _, e := range existing {
		if key := k.key(msg); key != "" && key == k.key(e) {
			return e
		}
	}
	return nil
}

func readAll(ctx context.Context, c *client.Client, k *kind) ([]proto.Message, error) {
	var all []proto.Message
	for cursor := ""; ; {
		page, next, err := k.page(ctx, c, cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if cursor = next; cursor == "" {
			return all, nil
		}
	}
}

// references are the fields that hold ids of other resources.
var references = map[protoreflect.Name]bool{"destination_ids": true, "channel_ids": true}

func rewriteReferences(m protoreflect.Message, given map[string]string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !references[f.Name()] {
			return true
		}
		for list, i := v.List(), 0; i < list.Len(); i++ {
			if id, ok := given[list.Get(i).String()]; ok {
				list.Set(i, protoreflect.ValueOfString(id))
			}
		}
		return true
	})
}

func idOf(m proto.Message) string {
	if f := idField(m); f != nil {
		return m.ProtoReflect().Get(f).String()
	}
	return ""
}

func setID(m proto.Message, id string) {
	if f := idField(m); f != nil {
		m.ProtoReflect().Set(f, protoreflect.ValueOfString(id))
	}
}

func idField(m proto.Message) protoreflect.FieldDescriptor {
	return m.ProtoReflect().Descriptor().Fields().ByName("id")
}
