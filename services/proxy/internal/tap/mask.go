package tap

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/redact"
)

// mask takes secrets that the policy read out of what the policy noted.
func mask(e *capturev1.Exchange, secrets []*redact.Secret) {
	m := masker(secrets)
	for _, part := range []proto.Message{e.GetPolicy(), e.GetPolicyTrace(), e.GetError(), e.GetUpstream()} {
		m.message(part.ProtoReflect())
	}
}

type masker []*redact.Secret

func (m masker) text(s string) string {
	for _, secret := range m {
		s, _ = secret.Mask(s)
	}
	return s
}

// message masks every text of m, at any depth.
func (m masker) message(msg protoreflect.Message) {
	msg.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			m.entries(fd, v.Map())
		case fd.IsList():
			m.items(fd, v.List())
		case fd.Kind() == protoreflect.StringKind:
			msg.Set(fd, protoreflect.ValueOfString(m.text(v.String())))
		case fd.Message() != nil:
			m.message(v.Message())
		}
		return true
	})
}

func (m masker) items(fd protoreflect.FieldDescriptor, list protoreflect.List) {
	for i := range list.Len() {
		switch {
		case fd.Kind() == protoreflect.StringKind:
			list.Set(i, protoreflect.ValueOfString(m.text(list.Get(i).String())))
		case fd.Message() != nil:
			m.message(list.Get(i).Message())
		}
	}
}

func (m masker) entries(fd protoreflect.FieldDescriptor, entries protoreflect.Map) {
	entries.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		switch {
		case fd.MapValue().Kind() == protoreflect.StringKind:
			entries.Set(k, protoreflect.ValueOfString(m.text(v.String())))
		case fd.MapValue().Message() != nil:
			m.message(v.Message())
		}
		return true
	})
}
