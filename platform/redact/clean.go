package redact

import (
	"bytes"
	"strings"
)

// Clean is a quick look at a content: true means that a [Body] would replace
// nothing in it. False may mean anything. With cut the content goes on, but not
// here.
func (r *Redactor) Clean(contentType string, p []byte, cut bool) bool {
	if len(r.patterns)+len(r.paths) > 0 {
		return false
	}
	if !r.quiet(p, cut) {
		return false
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch {
	case media == "application/x-www-form-urlencoded", strings.HasPrefix(media, "multipart/"):
		return false
	case opaque(media, false):
		return true
	}
	return bytes.IndexByte(p, '\\') < 0 && (r.off[RuleJSON] || !mayNameSecret(p, true))
}
