package redact

import (
	"encoding/json"
	"hash"
	"net/url"
)

// whole is how much of a value is kept to decode it before it is hashed, in bytes.
const whole = 64 << 10

// opened is a value that is being replaced.
type opened struct {
	span
	value  []byte
	length uint64
	hash   hash.Hash // of a value that is too long to be kept
}

func (o *opened) add(p []byte, r *Redactor) {
	o.length += uint64(len(p))
	if o.hash == nil {
		if len(o.value)+len(p) <= whole {
			o.value = append(o.value, p...)
			return
		}
		o.hash = r.newHash()
		o.hash.Write(o.value)
	}
	o.hash.Write(p)
}

// says is what the value says, without the escapes of where it stands.
func (o *opened) says() string {
	if o.plain != "" {
		return o.plain
	}
	text := string(o.value)
	switch o.coding {
	case codedJSON:
		var s string
		if json.Unmarshal([]byte(`"`+text+`"`), &s) == nil {
			return s
		}
	case codedForm:
		if s, err := url.QueryUnescape(text); err == nil {
			return s
		}
	}
	return plainOf(o.rule, text)
}

// emit writes a stretch with its secrets replaced.
func (b *Body) emit(p []byte) {
	pos, end := b.base, b.base+int64(len(p))
	if b.open != nil {
		pos = end
		if b.closeAt >= 0 {
			pos = b.closeAt
		}
		b.open.add(p[:pos-b.base], b.r)
		if b.closeAt >= 0 {
			b.writeOpen()
		}
		b.closeAt = -1
	}
	for _, s := range b.spans {
		if s.start >= end {
			break
		}
		if s.end <= pos {
			continue
		}
		start, stop := max(s.start, pos), min(s.end, end)
		b.verbatim(p[pos-b.base:start-b.base], pos)
		s.start = start
		b.open = &opened{span: s}
		b.open.add(p[start-b.base:stop-b.base], b.r)
		pos = stop
		if !s.open {
			b.writeOpen()
		}
	}
	b.verbatim(p[pos-b.base:], pos)
}

// verbatim writes what is no secret, up to the limit.
func (b *Body) verbatim(p []byte, at int64) {
	if at < b.cfg.Limit {
		b.out = append(b.out, p[:min(int64(len(p)), b.cfg.Limit-at)]...)
	}
}

// writeOpen writes what stands for the open value.
func (b *Body) writeOpen() {
	o := b.open
	b.open = nil
	if o.length == 0 || o.start >= b.cfg.Limit {
		return
	}
	f := &Finding{Path: o.path, Rule: o.rule, Type: o.kind, Length: o.length}
	if o.hash == nil {
		o.hash = b.r.newHash()
		o.hash.Write([]byte(o.says()))
	}
	f.Hash = sum(o.hash)
	if f.Type == "" {
		f.Type = kindText
	}
	b.changed, b.secret = true, b.secret || o.secret
	b.cfg.Found(f)
	if o.quoted {
		b.out = append(b.out, '"')
	}
	b.out = append(b.out, f.escaped(b.space)...)
	if o.quoted {
		b.out = append(b.out, '"')
	}
}

// inner looks into a text that was decoded from within a content: it returns the
// rule that finds something in it, or "".
func (b *Body) inner(text string) (rule string, secret bool) {
	var secrets []*Secret
	if b.cfg.Secrets != nil {
		secrets = b.cfg.Secrets()
	}
	if spans := b.r.raw([]byte(text), secrets, false, nil); len(spans) > 0 {
		return spans[0].rule, spans[0].secret
	}
	if b.depth >= maxWithin || !looksLikeJSON([]byte(text)) {
		return "", false
	}
	within := b.r.Body(BodyConfig{ContentType: "application/json", Secrets: b.cfg.Secrets, Found: func(f *Finding) { rule = f.Rule }})
	within.depth = b.depth + 1
	within.Close([]byte(text), false)
	return rule, within.secret
}

// maxWithin is how many texts with escapes are followed into each other.
const maxWithin = 3
