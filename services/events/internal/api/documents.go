// Package api answers the gRPC calls of the events service: it checks what people
// configure, keeps it, and shows it without secrets together with how it fares.
// The work that is configured is done by other packages.
package api

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/rpc"
	"sluice.dev/services/events/internal/patch"
)

// documents is what the handlers of one kind have in common. Every kind has the
// fields id, created_at, updated_at and revision.
type documents[T proto.Message] struct {
	noun       string // name of the field that has the document in requests
	docs       *resource.Collection[T]
	outputOnly []string
	// check says what is wrong beyond the rules in the proto, and may bring the
	// document to the form that is stored. It names fields as the document does.
	check func(context.Context, T) error
	// status fills in how it fares; may be nil.
	status func(context.Context, T) error
}

// testLimit bounds a test of something outside, so that the answer reaches the
// caller before the call's own deadline.
const testLimit = 8 * time.Second

var common = []string{"id", "created_at", "updated_at", "revision"}

// prepare makes doc fit to be stored, or says why it is not.
func (d *documents[T]) prepare(ctx context.Context, doc T) error {
	m := doc.ProtoReflect()
	for _, name := range append(append([]string{}, common...), d.outputOnly...) {
		m.Clear(m.Descriptor().Fields().ByName(protoreflect.Name(name)))
	}
	if err := rpc.Validate(doc); err != nil {
		return err
	}
	return d.check(ctx, doc)
}

func (d *documents[T]) create(ctx context.Context, id string, doc T) (T, error) {
	doc = proto.CloneOf(doc)
	var none T
	if err := d.prepare(ctx, doc); err != nil {
		return none, err
	}
	stored, meta, err := d.docs.Create(ctx, id, doc)
	if err != nil {
		return none, err
	}
	return d.show(ctx, id, meta, stored)
}

func (d *documents[T]) get(ctx context.Context, id string) (T, error) {
	doc, meta, err := d.docs.Closed().Get(ctx, id)
	if err != nil {
		var none T
		return none, err
	}
	return d.show(ctx, id, meta, doc)
}

func (d *documents[T]) list(ctx context.Context, limit int32, cursor string) ([]T, string, error) {
	page, next, err := d.docs.Closed().List(ctx, int(limit), cursor)
	if err != nil {
		return nil, "", err
	}
	out := make([]T, len(page))
	for i, e := range page {
		if out[i], err = d.show(ctx, e.ID, e.Meta, e.Doc); err != nil {
			return nil, "", err
		}
	}
	return out, next, nil
}

// update applies a partial change. A blank secret stays what it is. changed, which
// may be nil, sees the document before and after.
func (d *documents[T]) update(ctx context.Context, change T, mask *fieldmaskpb.FieldMask, changed func(before, after T) error) (T, error) {
	var none T
	if !change.ProtoReflect().IsValid() {
		return none, errs.InvalidField(d.noun, "the change is missing")
	}
	id := idOf(change)
	if id == "" {
		return none, errs.InvalidField(d.noun+".id", "say which one to change")
	}
	stored, meta, err := d.docs.Update(ctx, id, func(doc T) (T, error) {
		before := proto.CloneOf(doc)
		if err := patch.Apply(doc, proto.CloneOf(change), mask, append(append([]string{}, common...), d.outputOnly...)...); err != nil {
			return none, err
		}
		patch.KeepSecrets(doc, before)
		if err := d.prepare(ctx, doc); err != nil {
			return none, err
		}
		if changed != nil {
			return doc, changed(before, doc)
		}
		return doc, nil
	})
	if err != nil {
		return none, err
	}
	return d.show(ctx, id, meta, stored)
}

// show is a document as callers may see it.
func (d *documents[T]) show(ctx context.Context, id string, meta resource.Meta, doc T) (T, error) {
	out := redact.Message(doc)
	m := out.ProtoReflect()
	set := func(name string, v protoreflect.Value) {
		m.Set(m.Descriptor().Fields().ByName(protoreflect.Name(name)), v)
	}
	set("id", protoreflect.ValueOfString(id))
	set("created_at", protoreflect.ValueOfMessage(timestamppb.New(meta.CreatedAt).ProtoReflect()))
	set("updated_at", protoreflect.ValueOfMessage(timestamppb.New(meta.UpdatedAt).ProtoReflect()))
	set("revision", protoreflect.ValueOfUint64(meta.Revision))
	if d.status == nil {
		return out, nil
	}
	return out, d.status(ctx, out)
}

func idOf(doc proto.Message) string {
	m := doc.ProtoReflect()
	return m.Get(m.Descriptor().Fields().ByName("id")).String()
}

// kindOf names the member of a oneof that is set; empty: none.
func kindOf(doc proto.Message, oneof string) string {
	m := doc.ProtoReflect()
	if fd := m.WhichOneof(m.Descriptor().Oneofs().ByName(protoreflect.Name(oneof))); fd != nil {
		return string(fd.Name())
	}
	return ""
}

// sameKind refuses a change from one kind of target to another.
func sameKind(before, after proto.Message) error {
	if was, is := kindOf(before, "target"), kindOf(after, "target"); was != is {
		return errs.InvalidField(is, "this is a %s target and cannot become another kind; create a new one", was)
	}
	return nil
}
