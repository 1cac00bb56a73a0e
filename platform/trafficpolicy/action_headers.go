package trafficpolicy

import (
	"context"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/message"
)

func init() {
	register(ActionInfo{
		Type:        "add-headers",
		Summary:     "Adds header fields to the request on its way to the upstream, or to the response on its way to the client. A field that exists gets a second value; host is replaced.",
		Phases:      []Phase{OnHTTPRequest, OnHTTPResponse},
		Terminating: Never,
		Fields: []Field{{Name: "headers", Kind: TextMap, Template: true, Required: true, Min: 1, Max: 10,
			Description: "Names and values.", Example: "{x-client: '${conn.client_ip}'}"}},
		Results: []ResultInfo{{"headers_added", cel.MapType(cel.StringType, cel.StringType), "What was added."}},
	}, newAddHeaders)
	register(ActionInfo{
		Type:        "remove-headers",
		Summary:     "Removes header fields from the request or the response.",
		Phases:      []Phase{OnHTTPRequest, OnHTTPResponse},
		Terminating: Never,
		Fields:      []Field{{Name: "headers", Kind: Texts, Required: true, Min: 1, Max: 10, Description: "Names.", Example: "[x-powered-by]"}},
		Results:     []ResultInfo{{"headers_removed", cel.ListType(cel.StringType), "What was there and is removed."}},
	}, newRemoveHeaders)
}

type addHeaders struct {
	slot    int
	headers []headerTemplate
	added   ref.Val // the result when every value is static
}

func newAddHeaders(c *config) action {
	a := &addHeaders{slot: c.spec.slot, headers: c.headerTemplates()}
	static := make(map[string]string)
	for _, p := range c.get("headers").pairs {
		if name := strings.ToLower(p.name); name == "user-agent" || name == "ngrok-skip-browser-warning" {
			c.compiler.report(p.node, join(c.get("headers").path, p.name), CodeHeaderName, name+" may not be added", "")
		}
	}
	for _, h := range a.headers {
		if text, ok := h.value.Static(); ok {
			static[h.name] = text
		}
	}
	if len(static) == len(a.headers) {
		a.added = types.NewStringStringMap(types.DefaultTypeAdapter, static)
	}
	return a
}

func (a *addHeaders) run(_ context.Context, r *Run) (*Outcome, error) {
	added := a.added
	var dynamic map[string]string
	if added == nil {
		dynamic = make(map[string]string, len(a.headers))
		added = types.NewStringStringMap(types.DefaultTypeAdapter, dynamic)
	}
	for i := range a.headers {
		value, err := a.headers[i].render(&r.vars)
		if err != nil {
			return nil, err
		}
		if dynamic != nil {
			dynamic[a.headers[i].name] = value
		}
		r.addHeader(a.headers[i].name, value)
	}
	r.vars.Publish(a.slot, added)
	return nil, nil //nolint:nilnil // the phase goes on
}

// addHeader adds to the response in its phase and to the request before.
func (r *Run) addHeader(name, value string) {
	switch {
	case r.current == OnHTTPResponse:
		r.vars.Response.Header.Add(name, value)
	case name == "host":
		r.vars.Request.Host = value
		r.vars.Request.Header.Set("Host", value)
	default:
		r.vars.Request.Header.Add(name, value)
	}
}

type removeHeaders struct {
	slot  int
	names []string
}

func newRemoveHeaders(c *config) action {
	a := &removeHeaders{slot: c.spec.slot}
	for i, t := range c.get("headers").texts {
		if t == nil {
			continue
		}
		text, _ := t.Static()
		name := strings.ToLower(text)
		fault, hint := headerNameFault(name)
		if fault == "" && (name == "host" || name == "user-agent") {
			fault = name + " may not be removed"
		}
		if fault != "" {
			node := c.get("headers").node.Content[i]
			c.compiler.report(node, index(c.get("headers").path, i), CodeHeaderName, fault, hint)
		}
		a.names = append(a.names, name)
	}
	return a
}

func (a *removeHeaders) run(_ context.Context, r *Run) (*Outcome, error) {
	header := r.header()
	var removed []string
	for _, name := range a.names {
		if header.Del(name) > 0 {
			removed = append(removed, name)
		}
	}
	r.vars.Publish(a.slot, types.NewStringList(types.DefaultTypeAdapter, removed))
	return nil, nil //nolint:nilnil // the phase goes on
}

func (r *Run) header() *message.Header {
	if r.current == OnHTTPResponse {
		return &r.vars.Response.Header
	}
	return &r.vars.Request.Header
}
