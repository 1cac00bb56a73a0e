package policytrace

import (
	"encoding/json"
	"strconv"
	"strings"

	"sluice.dev/platform/trafficpolicy"
)

// results writes result variables as one JSON object, as many as fit, and names
// the others.
func (b *builder) results(all []trafficpolicy.ResultTrace) (text string, omitted []string) {
	limit := min(maxResults, b.left)
	var out []byte
	for _, r := range all {
		if !b.mask.Bodies && (r.Name == "body" || strings.HasSuffix(r.Name, ".body")) {
			omitted = append(omitted, r.Name)
			continue
		}
		value, err := json.Marshal(b.mask.value(r.Name, r.Value))
		if err != nil || len(out)+len(r.Name)+len(value)+len(`,"":}`) > limit {
			omitted = append(omitted, r.Name)
			continue
		}
		separator := byte(',')
		if out == nil {
			separator = '{'
		}
		out = append(out, separator)
		out = strconv.AppendQuote(out, r.Name) // names are plain words with dots
		out = append(append(out, ':'), value...)
	}
	if out != nil {
		out = append(out, '}')
	}
	b.left -= len(out)
	return string(out), omitted
}
