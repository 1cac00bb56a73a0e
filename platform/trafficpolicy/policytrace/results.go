package policytrace

import (
	"encoding/json"
	"strconv"
	"strings"

	"sluice.dev/platform/trafficpolicy"
)

// tellResults makes result variables one JSON object, of as many as fit, and names
// the others.
func (e *Encoder) tellResults(all []trafficpolicy.ResultTrace) {
	limit := min(maxResults, e.left)
	out := e.results[:0]
	e.omitted = e.omitted[:0]
	for i := range all {
		r := &all[i]
		if !e.mask.Bodies && (r.Name == "body" || strings.HasSuffix(r.Name, ".body")) {
			e.omitted = append(e.omitted, r.Name)
			continue
		}
		before := len(out)
		separator := byte(',')
		if before == 0 {
			separator = '{'
		}
		out = append(out, separator, '"')
		out = append(out, r.Name...) // a plain word with dots
		out = append(out, '"', ':')
		value := len(out)
		var ok bool
		out, ok = e.mask.appendValue(out, r.Name, r.Value)
		if !ok || before+len(r.Name)+len(out)-value+len(`,"":}`) > limit {
			e.omitted = append(e.omitted, r.Name)
			out = out[:before]
		}
	}
	if len(out) > 0 {
		out = append(out, '}')
	}
	e.left -= len(out)
	e.results = out
}

// appendValue appends v, the value called name, as JSON; false when it has none.
func (m *Mask) appendValue(out []byte, name string, v any) ([]byte, bool) {
	switch x := v.(type) {
	case string:
		return appendText(out, cut(m.named(name, x), maxText)), true
	case bool:
		return strconv.AppendBool(out, x), true
	case int64:
		return strconv.AppendInt(out, x, 10), true
	}
	value, err := json.Marshal(m.value(name, v))
	return append(out, value...), err == nil
}

// appendText appends a JSON string, as encoding/json writes it.
func appendText(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	start := len(out)
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= 0x7f:
			value, _ := json.Marshal(s) // a text always has one
			return append(out[:start], value...)
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '<' || c == '>' || c == '&':
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
