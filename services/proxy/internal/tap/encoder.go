package tap

import (
	"strings"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy/policytrace"
	"sluice.dev/platform/wire"
)

// encoder makes recordings into capturev1.Exchange as it goes over the wire, secrets
// replaced and texts valid UTF-8, without making the message: nothing costs a proxy
// more than its records, so they cost no memory. Its methods append the fields by
// their numbers in exchange.proto.
type encoder struct {
	wire.Buffer
	r        *Recording
	settings *settings // that clean is of
	clean    fields
	part     capturev1.Redaction_Part // that is looked into
	found    func(*redact.Finding)    // notes what was replaced in part
	values   []string                 // of the request's head that are secret
	trace    policytrace.Encoder
	parts    Batch // of bodies that take more room than the record has
}

// maxEncoder is the size in bytes from which an encoder is not used again.
const maxEncoder = 1 << 20

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.found = func(f *redact.Finding) { e.r.note(e.part, f) }
	return e
}}

// encode makes r an exchange and gives it to use, which must not keep it. Parts of
// bodies go into a batch; without one they are given to use as well.
func encode(r *Recording, batch *Batch, use func(exchange, parts []byte) bool) bool {
	e := encoders.Get().(*encoder)
	e.Buffer, e.r, e.values = e.Buffer[:0], r, e.values[:0]
	if e.settings != r.settings {
		e.settings = r.settings
		e.clean.forget()
	}
	if batch == nil {
		batch = &e.parts
		batch.Raw, batch.parts = batch.Raw[:0], batch.parts[:0]
	}
	e.exchange(batch)
	ok := use(e.Buffer, e.parts.Raw)
	e.r = nil
	clear(e.values)
	clear(e.parts.parts)
	if e.parts.Raw = e.parts.Raw[:0]; cap(e.Buffer)+cap(e.parts.Raw) <= maxEncoder {
		encoders.Put(e)
	}
	return ok
}

// message appends a message that is made seldom.
func (e *encoder) message(field int, m proto.Message) {
	if p, err := proto.Marshal(m); err == nil { // its texts are valid
		e.Message(field, p)
	}
}

// hidden appends a text of what the policy noted, without secrets that it read.
func (e *encoder) hidden(field int, s string) { e.String(field, redact.Hide(s, e.r.secrets)) }

// text is s fit for a protobuf string: bytes that are no UTF-8 become U+FFFD.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
