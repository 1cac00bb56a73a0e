// Package mask applies the field mask of an update, by AIP-134 and AIP-161:
// named fields are taken from the request, absent ones are cleared, fields that
// only the server sets are passed over.
package mask

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"sluice.dev/platform/errs"
)

// Fields says which fields of a resource an update may name.
type Fields struct {
	Mutable []protoreflect.Name // and everything below them
	Server  []protoreflect.Name // set by the server: ignored
}

// Apply copies the fields of src that m names into dst. It fails when m names
// none, or one that does not exist; the error tells which.
func (f Fields) Apply(dst, src proto.Message, m *fieldmaskpb.FieldMask) error {
	paths := f.expand(m.GetPaths())
	if len(paths) == 0 {
		return errs.InvalidField("update_mask", "names no field that can be changed; these can: %s", f.list())
	}
	for _, path := range paths {
		if err := f.applyPath(dst.ProtoReflect(), src.ProtoReflect(), path); err != nil {
			return err
		}
	}
	return nil
}

// expand resolves "*" and leaves out the server's fields.
func (f Fields) expand(paths []string) []string {
	var out []string
	for _, path := range paths {
		first, _, _ := strings.Cut(path, ".")
		switch {
		case path == "*":
			for _, name := range f.Mutable {
				out = append(out, string(name))
			}
		case !contains(f.Server, first):
			out = append(out, path)
		}
	}
	return out
}

func (f Fields) applyPath(dst, src protoreflect.Message, path string) error {
	names := strings.Split(path, ".")
	if !contains(f.Mutable, names[0]) {
		return f.unknown(path)
	}
	for i, name := range names {
		fd := dst.Descriptor().Fields().ByName(protoreflect.Name(name))
		switch {
		case fd == nil:
			return f.unknown(path)
		case i == len(names)-1:
			copyField(dst, src, fd)
			return nil
		case fd.Message() == nil || fd.IsList() || fd.IsMap():
			return f.unknown(path)
		case !src.Has(fd) && !dst.Has(fd):
			return f.check(fd.Message(), names[i+1:], path)
		}
		dst, src = dst.Mutable(fd).Message(), src.Get(fd).Message()
	}
	return nil
}

// check finds out whether the rest of a path exists, when there is nothing to copy.
func (f Fields) check(md protoreflect.MessageDescriptor, names []string, path string) error {
	for i, name := range names {
		fd := md.Fields().ByName(protoreflect.Name(name))
		if fd == nil || i < len(names)-1 && (fd.Message() == nil || fd.IsList() || fd.IsMap()) {
			return f.unknown(path)
		}
		md = fd.Message()
	}
	return nil
}

func copyField(dst, src protoreflect.Message, fd protoreflect.FieldDescriptor) {
	if !src.Has(fd) {
		dst.Clear(fd)
		return
	}
	own := proto.Clone(src.Interface()).ProtoReflect() // lists and messages must not be shared
	dst.Set(fd, own.Get(fd))
}

func (f Fields) unknown(path string) error {
	e := errs.InvalidField("update_mask", "there is no field %q that can be changed", path)
	e.Reason = errs.ReasonUnknownField
	e.Violations[0].Hint = "these can be changed: " + f.list()
	return e
}

func (f Fields) list() string {
	names := make([]string, len(f.Mutable))
	for i, name := range f.Mutable {
		names[i] = string(name)
	}
	return strings.Join(names, ", ")
}

func contains(names []protoreflect.Name, name string) bool {
	for _, n := range names {
		if string(n) == name {
			return true
		}
	}
	return false
}
