package openapi

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"sluice.dev/platform/trafficpolicy/coding"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// parsed reads a body as the value that a schema describes. It cannot when the
// body is neither JSON nor a form, or was not recorded whole.
func parsed(mediaType string, headers []*capturev1.Header, b *capturev1.Body) (value any, raw []byte, ok bool) {
	if b.GetTruncated() || len(b.GetContent()) == 0 || !isJSON(mediaType) && mediaType != formType {
		return nil, nil, false
	}
	raw = b.GetContent()
	if codings := headerValue(headers, "content-encoding"); codings != "" {
		// Redaction stores what it changed without coding.
		if plain, err := coding.Decode(bytes.NewReader(raw), codings, maxDecoded); err == nil {
			raw = plain
		}
	}
	if mediaType == formType {
		fields, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, nil, false
		}
		return formValue(fields), nil, true
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&value) != nil || d.More() {
		return nil, nil, false
	}
	return value, raw, true
}

const formType = "application/x-www-form-urlencoded"

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json") // RFC 6839
}

func formValue(fields url.Values) any {
	out := map[string]any{}
	for name, values := range fields {
		if len(values) == 1 {
			out[name] = values[0]
			continue
		}
		all := make([]any, len(values))
		for i, v := range values {
			all[i] = v
		}
		out[name] = all
	}
	return out
}

// redacted tells a value that redaction put there.
func redacted(text string) bool { return strings.Contains(text, "[redacted") }
