package redact

import (
	"bytes"
	"unsafe"
)

// rare are the bytes at which shapes show, but for digits.
var rare = []byte("J_-@IBb")

// quiet reports, without allocating, whether shapes would find nothing: it looks
// for each byte at which one may show by itself, which the processor does many at a
// time.
func (r *Redactor) quiet(p []byte, more bool) bool {
	s := scan{p, more}
	for _, c := range rare {
		for at := 0; ; at++ {
			i := bytes.IndexByte(p[at:], c)
			if i < 0 {
				break
			}
			at += i
			if _, _, rule := s.at(at, c); rule != "" && !r.off[rule] {
				return false
			}
		}
	}
	return r.off[RuleCard] || s.noCard()
}

// noCard reports whether there is no number of a card. Each begins with four digits
// or more, so that a look at every fourth byte meets it.
func (s *scan) noCard() bool {
	p := s.text
	for i := 3; i < len(p); i += 4 {
		if p[i]-'0' > 9 {
			continue
		}
		start := i
		for start > 0 && p[start-1]-'0' <= 9 {
			start--
		}
		_, end, rule := s.card(start)
		if rule != "" {
			return false
		}
		for i+4 < end {
			i += 4
		}
	}
	return true
}

// plain reports whether nothing needs to be replaced in a text by its shape or an
// operator's pattern.
func (r *Redactor) plain(text string) bool {
	return len(r.patterns) == 0 && r.quiet(view(text), false)
}

// view is a text as bytes that nobody may change.
func view(text string) []byte {
	return unsafe.Slice(unsafe.StringData(text), len(text)) // #nosec G103 -- read only, and spares a copy of all that is recorded
}

// CleanHeader is a quick look at a header: true means that [Redactor.Header] would
// keep its value, unless a known secret is in it, and that no rule is about headers
// of this name but those for URLs. It depends on nothing else, so it may be
// remembered. False may mean anything.
func (r *Redactor) CleanHeader(name, value string) bool {
	if len(r.named) > 0 || !r.plain(value) {
		return false
	}
	rule, known := r.headers.find(name)
	if !known {
		return true
	}
	if rule.kind != urlValue {
		return false
	}
	_, by := rule.replace(value, nil)
	return by == ""
}

// cleanTarget reports whether nothing needs to be replaced in a request-target.
func (r *Redactor) cleanTarget(path, parameters string) bool {
	q := query{named: r.query, off: r.off[RuleURL]}
	return r.plain(path) && r.plain(parameters) && q.clean(parameters, '&')
}
