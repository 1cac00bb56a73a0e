package redact

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Replace puts what f returns in the place of each value that is set in a field
// of m marked debug_redact, at any depth; path tells where it stands, such as
// webhook.headers[x-key]. Marked fields are texts, bytes or maps to texts; text
// values must become texts. Empty values are left alone. It stops at f's first
// error.
func Replace(m proto.Message, f func(path string, kind protoreflect.Kind, value []byte) ([]byte, error)) error {
	return replace(m.ProtoReflect(), "", f)
}

type replacer = func(string, protoreflect.Kind, []byte) ([]byte, error)

func replace(m protoreflect.Message, prefix string, f replacer) error {
	var failed error
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		path := prefix + string(fd.Name())
		switch {
		case isSecret(fd) && fd.IsMap():
			failed = replaceEntries(v.Map(), fd.MapValue(), path, f)
		case isSecret(fd) && fd.IsList():
			failed = fmt.Errorf("%s: a list cannot be marked debug_redact and sealed", path)
		case isSecret(fd):
			var now protoreflect.Value
			if now, failed = replaceValue(fd, v, path, f); failed == nil {
				m.Set(fd, now)
			}
		default:
			failed = replaceBelow(fd, v, path, f)
		}
		return failed == nil
	})
	return failed
}

func replaceValue(fd protoreflect.FieldDescriptor, v protoreflect.Value, path string, f replacer) (protoreflect.Value, error) {
	switch fd.Kind() {
	case protoreflect.StringKind:
		if v.String() == "" {
			return v, nil
		}
		now, err := f(path, fd.Kind(), []byte(v.String()))
		return protoreflect.ValueOfString(string(now)), err
	case protoreflect.BytesKind:
		if len(v.Bytes()) == 0 {
			return v, nil
		}
		now, err := f(path, fd.Kind(), v.Bytes())
		return protoreflect.ValueOfBytes(now), err
	}
	return v, fmt.Errorf("%s: a field of kind %s cannot be marked debug_redact and sealed", path, fd.Kind())
}

func replaceEntries(entries protoreflect.Map, fd protoreflect.FieldDescriptor, path string, f replacer) error {
	all := map[string]protoreflect.MapKey{}
	entries.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		all[k.String()] = k
		return true
	})
	for _, name := range slices.Sorted(maps.Keys(all)) {
		now, err := replaceValue(fd, entries.Get(all[name]), path+"["+name+"]", f)
		if err != nil {
			return err
		}
		entries.Set(all[name], now)
	}
	return nil
}

func replaceBelow(fd protoreflect.FieldDescriptor, v protoreflect.Value, path string, f replacer) error {
	switch {
	case fd.IsMap():
		if fd.MapValue().Message() == nil {
			return nil
		}
		var failed error
		v.Map().Range(func(k protoreflect.MapKey, item protoreflect.Value) bool {
			failed = replace(item.Message(), path+"["+k.String()+"].", f)
			return failed == nil
		})
		return failed
	case fd.Message() == nil:
		return nil
	case fd.IsList():
		for i := range v.List().Len() {
			if err := replace(v.List().Get(i).Message(), fmt.Sprintf("%s[%d].", path, i), f); err != nil {
				return err
			}
		}
		return nil
	}
	return replace(v.Message(), path+".", f)
}
