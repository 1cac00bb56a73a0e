package tap

import (
	"bytes"
	"errors"
	"io"
	"strings"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy/coding"
)

// kept is what is left of a body for its record, secrets replaced. It belongs to
// the goroutine that encodes the record.
type kept struct {
	redaction *redact.Body
	inline    []byte
	stored    uint64 // bytes in all
	lost      bool   // parts of it, on the way
	plain     bool   // the coding was undone, since something was replaced
	opaque    bool   // what it holds cannot be told, so nothing of it is kept
	decoded   uint64
}

// side is one of the two bodies of a record with what tells about it.
type side struct {
	*body
	header message.Header
	part   capturev1.Redaction_Part
	side   capturev1.BodySide
	limit  int
}

func (r *Recording) requestSide() side {
	return side{r.reqBody, r.header, capturev1.Redaction_PART_REQUEST_BODY, capturev1.BodySide_BODY_SIDE_REQUEST, r.reqBody.limit}
}

func (r *Recording) responseSide() side {
	return side{r.resBody, r.resHeader, capturev1.Redaction_PART_RESPONSE_BODY, capturev1.BodySide_BODY_SIDE_RESPONSE, r.resBody.limit}
}

// side is which of its record's bodies the chunk is of.
func (c *chunk) side() side {
	if b := c.body; !b.request {
		return side{b, b.record.resHeader, capturev1.Redaction_PART_RESPONSE_BODY, capturev1.BodySide_BODY_SIDE_RESPONSE, c.limit}
	}
	return side{c.body, c.body.record.header, capturev1.Redaction_PART_REQUEST_BODY, capturev1.BodySide_BODY_SIDE_REQUEST, c.limit}
}

func (s side) redact() *redact.Body {
	if s.kept.redaction == nil {
		s.kept.redaction = s.record.settings.redactor.Body(redact.BodyConfig{
			ContentType: s.header.Get("content-type"), Limit: int64(s.limit), Secrets: s.record.known, Found: s.record.finding(s.part),
		})
	}
	return s.kept.redaction
}

// chunk takes a stretch of a body whose exchange runs.
func (s side) chunk(p []byte, into *Batch) { s.keep(s.redact().Write(p), into) }

// last takes what is left of the body when its exchange has ended.
func (s side) last(into *Batch) {
	if s.limit == 0 || len(s.content) == 0 && s.chunks == 0 {
		return
	}
	cut := s.cut()
	if s.coded && s.chunks == 0 {
		s.keep(s.decoded(strings.Join(s.header.Values("content-encoding"), ","), cut), into)
		return
	}
	s.kept.decoded = s.size
	s.keep(s.whole(s.content, cut), into)
}

// whole redacts a content that is there as a whole, or the rest of it.
func (s side) whole(p []byte, cut bool) []byte {
	if s.kept.redaction == nil && len(s.record.known()) == 0 && s.record.settings.redactor.Clean(s.header.Get("content-type"), p, cut) {
		return p[:min(len(p), s.limit)]
	}
	return s.redact().Close(p, cut)
}

// cut reports whether the body goes on after what was kept.
func (s side) cut() bool { return s.lost || s.size > s.taken }

// decoded looks into a content with a coding. Nothing to replace: it stays as on
// the wire. Otherwise it is kept without the coding.
func (s side) decoded(encoding string, cut bool) []byte {
	wire := s.content[:min(len(s.content), s.limit)]
	plain, err := coding.Decode(bytes.NewReader(s.content), encoding, decodeLimit)
	large := errors.Is(err, coding.ErrTooLarge)
	switch {
	case err == nil && !cut:
		s.kept.decoded = uint64(len(plain))
	case large || errors.Is(err, io.ErrUnexpectedEOF) || cut && !errors.Is(err, coding.ErrUnknown):
		plain, cut = coding.Beginning(s.content, encoding, decodeLimit), true
	case err != nil && len(s.record.known()) > 0: // it may hold one of these
		s.kept.opaque = true
		return nil
	case err != nil: // it is not what it says
		plain = s.content
	}
	out := s.whole(plain, cut)
	if (s.kept.redaction == nil || !s.kept.redaction.Changed()) && !large {
		return wire
	}
	s.kept.plain = true
	if cut || len(plain) > s.limit {
		s.kept.lost = true
	}
	return out
}

// keep puts what follows in the record, or into parts when the record has as much
// as it carries.
func (s side) keep(p []byte, into *Batch) {
	k := &s.kept
	if k.lost && !k.plain {
		return
	}
	n := min(len(p), inlineSize-len(k.inline))
	if n == len(p) && k.inline == nil {
		k.inline = p[:n:n]
		if s.chunks > 0 {
			k.inline = bytes.Clone(k.inline)
		}
	} else {
		k.inline = append(k.inline, p[:n]...)
	}
	k.stored += uint64(n)
	for p = p[n:]; len(p) > 0; p = p[n:] {
		n = min(len(p), partSize)
		into.part(s, k.stored, p[:n])
		k.stored += uint64(n)
	}
}
