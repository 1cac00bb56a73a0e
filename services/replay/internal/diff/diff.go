// Package diff tells how the answer to a replay differs from the recorded one.
package diff

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"

	"sluice.dev/services/replay/internal/send"
)

// excerpt is how much of a differing body is shown, in bytes.
const excerpt = 256

// volatile headers differ between any two answers, or belong to the connection.
var volatile = map[string]bool{
	"date": true, "age": true, "connection": true, "keep-alive": true, "transfer-encoding": true, "content-length": true,
	"sluice-exchange-id": true,
}

// Differences compares status, headers and, where the recorded one is whole, body.
func Differences(recorded *capturev1.Exchange, got *send.Answer) []*replayv1.Difference {
	var out []*replayv1.Difference
	add := func(field, before, after string) {
		out = append(out, &replayv1.Difference{Field: field, Before: before, After: after})
	}
	res := recorded.GetResponse()
	if res == nil {
		add("status_code", "none", fmt.Sprint(got.Status))
		return out
	}
	if int(res.GetStatusCode()) != got.Status {
		add("status_code", fmt.Sprint(res.GetStatusCode()), fmt.Sprint(got.Status))
	}
	headers(res, got.Header, add)
	body(recorded, got, add)
	return out
}

func headers(res *capturev1.Response, got http.Header, add func(field, before, after string)) {
	before := map[string][]string{}
	redacted := map[string]bool{}
	for _, h := range res.GetHeaders() {
		name := strings.ToLower(h.GetName())
		before[name] = append(before[name], h.GetValue())
		redacted[name] = redacted[name] || h.GetRedactedBy() != ""
	}
	after := map[string][]string{}
	for name, values := range got {
		after[strings.ToLower(name)] = values
	}
	names := make([]string, 0, len(before)+len(after))
	for name := range before {
		names = append(names, name)
	}
	for name := range after {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if volatile[name] || redacted[name] || slices.Equal(before[name], after[name]) {
			continue
		}
		add("header."+name, strings.Join(before[name], ", "), hideCookie(name, after[name]))
	}
}

// hideCookie keeps a new session's cookie out of the answer.
func hideCookie(name string, values []string) string {
	if name == "set-cookie" && len(values) > 0 {
		return fmt.Sprintf("%d cookies", len(values))
	}
	return strings.Join(values, ", ")
}

func body(recorded *capturev1.Exchange, got *send.Answer, add func(field, before, after string)) {
	b := recorded.GetResponse().GetBody()
	switch {
	case got.Size < 0: // it broke off: there is nothing to compare with
	case redacted(recorded): // of what was sent, not even the length is known
	case whole(recorded) && got.Size == int64(len(got.Body)):
		if !bytes.Equal(b.GetContent(), got.Body) {
			before, after := around(b.GetContent(), got.Body)
			add("body", before, after)
		}
	case b.GetSize() != uint64(got.Size):
		add("body_size", fmt.Sprint(b.GetSize()), fmt.Sprint(got.Size))
	}
}

// whole tells a response whose body is there as it was sent.
func whole(recorded *capturev1.Exchange) bool {
	b := recorded.GetResponse().GetBody()
	return recorded.GetFullCapture() && !b.GetTruncated() && uint64(len(b.GetContent())) == b.GetSize()
}

func redacted(recorded *capturev1.Exchange) bool {
	return slices.ContainsFunc(recorded.GetRedactions(), func(r *capturev1.Redaction) bool {
		return r.GetPart() == capturev1.Redaction_PART_RESPONSE_BODY
	})
}

// around are excerpts that begin shortly before the first difference.
func around(a, b []byte) (string, string) {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	from := max(0, n-32)
	return show(a, from), show(b, from)
}

func show(body []byte, from int) string {
	part := body[min(from, len(body)):min(from+excerpt, len(body))]
	if !utf8.Valid(body) {
		return fmt.Sprintf("%d bytes, binary", len(body))
	}
	text := strings.ToValidUTF8(string(part), "")
	if from > 0 {
		text = "…" + text
	}
	if from+excerpt < len(body) {
		text += "…"
	}
	return text
}
