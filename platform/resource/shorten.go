package resource

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Bounds of an audit record, in bytes: a document larger than maxObject has its
// texts cut to maxText there (never in the document itself), so that the audit
// log stays within memory.
const (
	maxObject = 64 << 10
	maxText   = 4 << 10
)

// shorten returns m, or a copy with long texts cut when m is large.
func shorten[T proto.Message](m T) proto.Message {
	if proto.Size(m) <= maxObject {
		return m
	}
	out := proto.CloneOf(m)
	cutTexts(out.ProtoReflect())
	return out
}

func cutTexts(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
		case fd.Kind() == protoreflect.StringKind && !fd.IsList():
			m.Set(fd, protoreflect.ValueOfString(cut(v.String())))
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				cutTexts(v.List().Get(i).Message())
			}
		default:
			cutTexts(v.Message())
		}
		return true
	})
}

func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes in all)", s[:end], len(s))
}
