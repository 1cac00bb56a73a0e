package redact

import (
	"bytes"
	"net/url"
)

// formFinder follows application/x-www-form-urlencoded.
type formFinder struct {
	value  bool
	name   []byte
	start  int64 // of the value
	hidden bool  // the value is being replaced
}

func (f *formFinder) feed(p []byte, base int64, last bool, b *Body) int {
	for i := 0; i < len(p); {
		if !f.value {
			i = f.inName(p, i, base, b)
			continue
		}
		n := bytes.IndexByte(p[i:], '&')
		if n < 0 {
			if i = len(p); last {
				f.ends(p, i, base, b)
			}
			break
		}
		f.ends(p, i+n, base, b)
		i += n + 1
	}
	if last && f.hidden {
		b.finish(base + int64(len(p)))
	}
	return len(p)
}

func (f *formFinder) inName(p []byte, i int, base int64, b *Body) int {
	for ; i < len(p); i++ {
		switch c := p[i]; c {
		case '=':
			f.value, f.start = true, base+int64(i)+1
			if len(b.r.fields) == 0 && !endsLikeSecret(f.name) && bytes.IndexByte(f.name, '%') < 0 {
				f.name = f.name[:0]
				return i + 1
			}
			if rule, name := b.r.fieldRule(string(f.name), codedForm); rule != "" {
				f.hidden = true
				b.begin(span{start: f.start, rule: rule, path: name, kind: kindString, coding: codedForm})
			}
			f.name = f.name[:0]
			return i + 1
		case '&':
			f.name = f.name[:0]
		default:
			if len(f.name) < 256 {
				f.name = append(f.name, c)
			}
		}
	}
	return i
}

// ends takes the end of a value at i.
func (f *formFinder) ends(p []byte, i int, base int64, b *Body) {
	f.value = false
	end := base + int64(i)
	if f.hidden {
		f.hidden = false
		b.finish(end)
		return
	}
	if f.start < base {
		return
	}
	text := p[f.start-base : i]
	if bytes.IndexByte(text, '%') < 0 && bytes.IndexByte(text, '+') < 0 {
		return
	}
	plain, err := url.QueryUnescape(string(text))
	if err != nil {
		return
	}
	if rule, known := b.inner(plain); rule != "" {
		b.spans = append(b.spans, span{start: f.start, end: end, rule: rule, kind: kindString, coding: codedForm, secret: known})
	}
}

// fieldRule is why a form field must be replaced; name is its name as decoded.
func (r *Redactor) fieldRule(raw string, c coding) (rule, name string) {
	name = raw
	if c == codedForm {
		if plain, err := url.QueryUnescape(raw); err == nil {
			name = plain
		}
	}
	if !r.off[RuleForm] && isSecretName(name) {
		return RuleForm, name
	}
	return r.fields[name], name
}
