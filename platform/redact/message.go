package redact

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Message returns a copy of m in which every field marked debug_redact, at any
// depth, is blank. Of a marked map the keys stay, such as the names of headers.
func Message[T proto.Message](m T) T {
	if !m.ProtoReflect().IsValid() {
		return m
	}
	out := proto.CloneOf(m)
	blank(out.ProtoReflect())
	return out
}

func blank(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if isSecret(fd) {
			blankField(m, fd, v)
		} else {
			descend(fd, v)
		}
		return true
	})
}

func isSecret(fd protoreflect.FieldDescriptor) bool {
	opts, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && opts.GetDebugRedact()
}

func blankField(m protoreflect.Message, fd protoreflect.FieldDescriptor, v protoreflect.Value) {
	if !fd.IsMap() {
		m.Clear(fd)
		return
	}
	entries := v.Map()
	entries.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		entries.Set(k, zero(entries, fd.MapValue()))
		return true
	})
}

func zero(entries protoreflect.Map, fd protoreflect.FieldDescriptor) protoreflect.Value {
	if fd.Message() != nil {
		return entries.NewValue()
	}
	return fd.Default()
}

func descend(fd protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch {
	case fd.IsMap():
		if fd.MapValue().Message() == nil {
			return
		}
		v.Map().Range(func(_ protoreflect.MapKey, item protoreflect.Value) bool {
			blank(item.Message())
			return true
		})
	case fd.Message() == nil:
	case fd.IsList():
		for i := range v.List().Len() {
			blank(v.List().Get(i).Message())
		}
	default:
		blank(v.Message())
	}
}
