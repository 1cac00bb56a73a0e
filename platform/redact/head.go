package redact

import (
	"net/url"
	"strings"
)

// Header returns what is kept of a header's value in a record, and the name of the
// rule that replaced it, or part of it; "" when it is kept as it is.
func (r *Redactor) Header(name, value string, secrets []*Secret, found func(*Finding)) (kept, rule string) {
	if value == "" || len(secrets) == 0 && r.CleanHeader(name, value) {
		return value, ""
	}
	return r.header(name, value, secrets, found)
}

func (r *Redactor) header(name, value string, secrets []*Secret, found func(*Finding)) (kept, rule string) {
	tell := func(f *Finding) {
		if rule == "" {
			rule = f.Rule
		}
		found(f)
	}
	if len(r.named) > 0 {
		if own := r.named[strings.ToLower(name)]; own != "" {
			return r.marker(name, " ", tell)(own, "", value), own
		}
	}
	if by, ok := r.headers.find(name); ok && !r.off[by.name] {
		value, _ = by.replace(value, r.marker(name, " ", tell))
	}
	spans := r.raw([]byte(value), secrets, false, nil)
	if len(spans) > 0 {
		value = r.replaceSpans(value, spans, " ", func(f *Finding) { f.Path = name; tell(f) })
	}
	return value, rule
}

// marker makes the marks of a record.
func (r *Redactor) marker(path, space string, found func(*Finding)) marker {
	return func(rule, part, value string) string {
		plain := value
		if space == "+" {
			path = part
			if decoded, err := url.QueryUnescape(value); err == nil {
				plain = decoded
			}
			if decoded, err := url.QueryUnescape(part); err == nil {
				path = decoded
			}
		}
		f := r.found(rule, path, kindString, value, plain)
		found(f)
		return f.escaped(space)
	}
}

// Target redacts a request-target: its path and its query, which is what it
// returns apart.
func (r *Redactor) Target(target string, secrets []*Secret, found func(*Finding)) (path, parameters string, hasQuery bool) {
	path, parameters, hasQuery = strings.Cut(target, "?")
	if len(secrets) == 0 && r.cleanTarget(path, parameters) {
		return path, parameters, hasQuery
	}
	if spans := r.raw([]byte(path), secrets, false, nil); len(spans) > 0 {
		path = r.replaceSpans(path, spans, "%20", found)
	}
	if strings.Contains(parameters, "=") {
		q := query{m: r.marker("", "+", found), named: r.query, off: r.off[RuleURL]}
		parameters, _ = q.redact(parameters, "&")
	}
	if spans := r.raw([]byte(parameters), secrets, false, nil); len(spans) > 0 {
		parameters = r.replaceSpans(parameters, spans, "+", found)
	}
	return path, parameters, hasQuery
}
