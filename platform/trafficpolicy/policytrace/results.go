package policytrace

import (
	"encoding/json"
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
		member, err := json.Marshal(map[string]any{r.Name: b.mask.value(r.Name, r.Value)})
		if err != nil || len(out)+len(member) > limit {
			omitted = append(omitted, r.Name)
			continue
		}
		if out == nil {
			out = member
			continue
		}
		out = append(append(out[:len(out)-1], ','), member[1:]...)
	}
	b.left -= len(out)
	return string(out), omitted
}
