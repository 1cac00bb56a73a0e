package tap

import (
	"bytes"
	"compress/flate"
	"io"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy/coding"
)

// messages appends the messages.
func (e *encoder) messages(field int) {
	if m := e.r.messages; m != nil {
		e.Uint(field+1, m.omitted)
		e.r.tell(m, func(one *capturev1.Message) { e.message(field, one) })
	}
}

// tell gives each message to use, secrets replaced.
func (r *Recording) tell(m *messages, use func(*capturev1.Message)) {
	decoders := map[capturev1.Message_Direction]*inflater{}
	for i := range m.list {
		n := &m.list[i]
		out := &capturev1.Message{
			Direction: n.direction, Kind: n.kind, Offset: durationpb.New(n.at.Sub(r.start)),
			Content: n.content, Size: n.size, Truncated: uint64(len(n.content)) < n.size, Compressed: n.compressed,
		}
		plain, known := n.content, true
		if n.compressed {
			if decoders[n.direction] == nil {
				decoders[n.direction] = r.inflater(n.direction)
			}
			plain, known = r.decodeMessage(n, decoders[n.direction])
		}
		if !known { // nobody can say what it holds
			out.Content, out.Truncated = nil, true
		} else {
			r.redactMessage(out, plain, i+1)
		}
		use(out)
	}
}

// redactMessage replaces secrets in a message. When there are some it is kept
// without its compression.
func (r *Recording) redactMessage(m *capturev1.Message, plain []byte, number int) {
	found := r.finding(capturev1.Redaction_PART_MESSAGE)
	body := r.settings.redactor.Body(redact.BodyConfig{
		ContentType: r.messageType(m), Secrets: r.known,
		Found: func(f *redact.Finding) { f.Path = strconv.Itoa(number); found(f) },
	})
	out := body.Close(plain, m.GetTruncated())
	if body.Changed() {
		m.Content, m.Compressed = out, false
		m.Truncated = m.Truncated || body.HeldSecret()
	}
}

func (r *Recording) messageType(m *capturev1.Message) string {
	switch m.GetKind() {
	case capturev1.Message_KIND_EVENT:
		return "text/event-stream"
	case capturev1.Message_KIND_BINARY:
		return "application/octet-stream"
	case capturev1.Message_KIND_GRPC:
		if strings.HasSuffix(mediaType(r.header), "+json") {
			return "application/json"
		}
		return "application/grpc"
	}
	return ""
}

// decodeMessage undoes a message's compression; false when it cannot.
func (r *Recording) decodeMessage(n *note, decoder *inflater) ([]byte, bool) {
	if n.kind != capturev1.Message_KIND_GRPC {
		return decoder.next(n)
	}
	h := r.header
	if n.direction == capturev1.Message_DIRECTION_SERVER_TO_CLIENT {
		h = r.resHeader
	}
	encoding := h.Get("grpc-encoding")
	if uint64(len(n.content)) < n.size {
		return coding.Beginning(n.content, encoding, decodeLimit), encoding != ""
	}
	plain, err := coding.Decode(bytes.NewReader(n.content), encoding, decodeLimit)
	return plain, err == nil && encoding != ""
}

// inflater undoes permessage-deflate (RFC 7692) in one direction, in the order of
// the messages: each may refer to those before it.
type inflater struct {
	alone   bool // messages do not refer to others
	context []byte
	broken  bool // one before is not known as a whole
}

func (r *Recording) inflater(d capturev1.Message_Direction) *inflater {
	word := "client_no_context_takeover"
	if d == capturev1.Message_DIRECTION_SERVER_TO_CLIENT {
		word = "server_no_context_takeover"
	}
	return &inflater{alone: strings.Contains(strings.ToLower(r.resHeader.Get("sec-websocket-extensions")), word)}
}

// windowSize is what a message may refer back to (RFC 7692 section 7.1.2.1).
const windowSize = 32 << 10

// tail ends a message's content as RFC 7692 section 7.2.2 says, and the stream.
var tail = []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}

func (d *inflater) next(n *note) ([]byte, bool) {
	if uint64(len(n.content)) < n.size {
		d.broken = !d.alone
		return nil, false
	}
	if d.broken {
		return nil, false
	}
	source := flate.NewReaderDict(io.MultiReader(bytes.NewReader(n.content), bytes.NewReader(tail)), d.context)
	plain, err := io.ReadAll(io.LimitReader(source, decodeLimit+1))
	if err != nil || len(plain) > decodeLimit {
		d.broken = !d.alone
		return nil, false
	}
	if !d.alone {
		d.context = append(d.context, plain...)
		d.context = bytes.Clone(d.context[max(0, len(d.context)-windowSize):])
	}
	return plain, true
}
