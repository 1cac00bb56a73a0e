package trafficpolicy

import (
	"fmt"
	"slices"
	"strings"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/expr"
)

// Bounds of a header line that a policy makes.
const (
	maxHeaderName  = 256  // bytes
	maxHeaderValue = 8192 // bytes
)

// framing fields say where a message ends and how the connection is used; a
// policy that set them could desynchronize client and upstream (RFC 9112).
var framing = []string{"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}

// headerTemplate is a header line to be made.
type headerTemplate struct {
	name  string // lower case
	value *expr.Template
}

// headerTemplates checks the field headers, names and templates.
func (c *config) headerTemplates() []headerTemplate {
	const field = "headers"
	var out []headerTemplate
	for _, p := range c.get(field).pairs {
		name := strings.ToLower(p.name)
		path := join(c.get(field).path, p.name)
		if message, hint := headerNameFault(name); message != "" {
			c.compiler.report(p.node, path, CodeHeaderName, message, hint)
		}
		if p.value == nil {
			continue
		}
		if text, static := p.value.Static(); static && (!message.ValidValue(text) || len(text) > maxHeaderValue) {
			c.compiler.report(p.node, path, CodeHeaderValue, "is not a valid header value", fmt.Sprintf("one line of at most %d bytes without control characters", maxHeaderValue))
		}
		out = append(out, headerTemplate{name: name, value: p.value})
	}
	return out
}

func headerNameFault(name string) (text, hint string) {
	switch {
	case len(name) > maxHeaderName || !message.ValidName(name):
		return fmt.Sprintf("%q is not a valid header name", name), "letters, digits and -"
	case slices.Contains(framing, name):
		return name + " may not be changed by a policy", "the gateway sets it itself"
	}
	return "", ""
}

// render makes the value; one that would break the header is a failure.
func (h *headerTemplate) render(v *expr.Vars) (string, error) {
	value, err := h.value.Render(v)
	if err != nil {
		return "", &failure{CodeTemplateFailed, err}
	}
	value = strings.TrimSpace(value)
	if !message.ValidValue(value) || len(value) > maxHeaderValue {
		return "", &failure{CodeHeaderValue, fmt.Errorf("header %s: the value has control characters or more than %d bytes", h.name, maxHeaderValue)}
	}
	return value, nil
}
