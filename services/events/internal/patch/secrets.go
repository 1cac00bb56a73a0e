package patch

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// KeepSecrets copies into changed the secrets of stored that changed leaves blank:
// answers show them blank, so a blank one means "as it is". Of a map of secrets
// this holds for each key that changed still has.
func KeepSecrets(changed, stored proto.Message) {
	keep(changed.ProtoReflect(), stored.ProtoReflect())
}

func keep(changed, stored protoreflect.Message) {
	stored.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case isSecret(fd) && fd.IsMap():
			keepEntries(changed, fd, v.Map())
		case isSecret(fd):
			if !changed.Has(fd) {
				changed.Set(fd, v)
			}
		case fd.Message() != nil && !fd.IsList() && !fd.IsMap() && changed.Has(fd):
			keep(changed.Mutable(fd).Message(), v.Message())
		}
		return true
	})
}

func keepEntries(changed protoreflect.Message, fd protoreflect.FieldDescriptor, stored protoreflect.Map) {
	if !changed.Has(fd) {
		return
	}
	entries := changed.Mutable(fd).Map()
	stored.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if entries.Has(k) && entries.Get(k).String() == "" {
			entries.Set(k, v)
		}
		return true
	})
}

func isSecret(fd protoreflect.FieldDescriptor) bool {
	opts, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && opts.GetDebugRedact()
}
