// Package patch applies partial changes to resources: field masks, and secrets
// that a caller cannot repeat because they are never shown.
package patch

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"sluice.dev/platform/errs"
)

// Apply sets in dst the fields of src that mask names; an unset field of src
// clears that of dst. Without a mask, the fields that src has are set. Paths that
// begin with one of the outputOnly names are passed over, so that a resource may
// be sent back as it was read.
func Apply(dst, src proto.Message, mask *fieldmaskpb.FieldMask, outputOnly ...string) error {
	paths := mask.GetPaths()
	if len(paths) == 0 {
		src.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			paths = append(paths, string(fd.Name()))
			return true
		})
	}
	skip := map[string]bool{}
	for _, name := range outputOnly {
		skip[name] = true
	}
	for _, path := range paths {
		head, _, _ := strings.Cut(path, ".")
		if skip[head] {
			continue
		}
		if err := set(dst.ProtoReflect(), src.ProtoReflect(), path, path); err != nil {
			return err
		}
	}
	return nil
}

func set(dst, src protoreflect.Message, path, whole string) error {
	name, rest, deeper := strings.Cut(path, ".")
	fd := field(dst.Descriptor(), name)
	if fd == nil {
		return errs.InvalidField("update_mask", "%s has no field %q", dst.Descriptor().Name(), whole)
	}
	if !deeper || fd.IsMap() {
		if src.Has(fd) {
			dst.Set(fd, src.Get(fd))
		} else {
			dst.Clear(fd)
		}
		return nil
	}
	if fd.Message() == nil || fd.IsList() {
		return errs.InvalidField("update_mask", "%q goes into %s, which is changed as a whole", whole, name)
	}
	if !src.Has(fd) && !dst.Has(fd) {
		return nil
	}
	return set(dst.Mutable(fd).Message(), src.Get(fd).Message(), rest, whole)
}

func field(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if fd := d.Fields().ByName(protoreflect.Name(name)); fd != nil {
		return fd
	}
	return d.Fields().ByJSONName(name)
}
