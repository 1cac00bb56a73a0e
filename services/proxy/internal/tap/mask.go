package tap

import (
	"bytes"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy/coding"
)

// decodeLimit bounds what is decoded of a compressed body to look for secrets, in
// bytes.
const decodeLimit = 16 << 20

// mask takes secrets that the policy read out of everything that the exchange
// tells: what the client sent and got, and what the policy noted.
func mask(e *capturev1.Exchange, secrets []*redact.Secret) {
	m := masker(secrets)
	if req := e.GetRequest(); req != nil {
		m.headers(req.GetHeaders())
		m.headers(req.GetTrailers())
		m.body(req.GetBody(), req.GetHeaders())
		for _, s := range []*string{&req.Host, &req.Path, &req.Query, &req.Url} {
			*s = m.text(*s)
		}
	}
	if res := e.GetResponse(); res != nil {
		m.headers(res.GetHeaders())
		m.headers(res.GetTrailers())
		m.body(res.GetBody(), res.GetHeaders())
	}
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

func (m masker) headers(lines []*capturev1.Header) {
	for _, line := range lines {
		for _, secret := range m {
			value, found := secret.Mask(line.GetValue())
			if !found {
				continue
			}
			line.Value = value
			if line.RedactedBy == "" {
				line.RedactedBy = secret.Rule()
			}
		}
	}
}

// body masks a body. What is left is not what was sent, so it counts as truncated:
// nobody may send it again. A compressed one is dropped instead, also when nothing
// can be said about it.
func (m masker) body(b *capturev1.Body, headers []*capturev1.Header) {
	if len(b.GetContent()) == 0 {
		return
	}
	if encoding := contentEncoding(headers); len(coding.Parse(encoding)) > 0 {
		if m.inside(b, encoding) {
			b.Content, b.Truncated = nil, true
		}
		return
	}
	cut := b.GetTruncated() || uint64(len(b.GetContent())) < b.GetSize()
	for _, secret := range m {
		content, found := secret.MaskContent(b.Content, cut)
		if found {
			b.Content, b.Truncated = content, true
		}
	}
}

// inside reports whether a compressed body may hold a secret.
func (m masker) inside(b *capturev1.Body, encoding string) bool {
	if _, err := coding.Decode(bytes.NewReader(b.GetContent()), encoding, decodeLimit); errors.Is(err, coding.ErrUnknown) || errors.Is(err, coding.ErrTooLarge) {
		return true
	}
	plain := coding.Beginning(b.GetContent(), encoding, decodeLimit)
	for _, secret := range m {
		if _, found := secret.MaskContent(plain, b.GetTruncated()); found {
			return true
		}
	}
	return false
}

func contentEncoding(headers []*capturev1.Header) string {
	var all []string
	for _, line := range headers {
		if strings.EqualFold(line.GetName(), "content-encoding") {
			all = append(all, line.GetValue())
		}
	}
	return strings.Join(all, ",")
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
