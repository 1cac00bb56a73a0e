package openapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Info is what a document says of the API as a whole.
type Info struct{ Title, Server string }

// Document returns the description as an OpenAPI 3.1 document.
func (d *Description) Document(info Info) ([]byte, error) {
	paths := object{}
	schemes := map[string]bool{}
	for key, op := range d.operations {
		path, names := pathTemplate(key.route)
		item, ok := paths[path].(object)
		if !ok {
			item = object{}
			paths[path] = item
		}
		item[key.method] = op.document(key, path, names)
		for scheme := range op.auth {
			schemes[scheme] = true
		}
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{
			"title": info.Title, "version": "observed",
			"description": "Made by Sluice from " + strconv.FormatUint(d.exchanges, 10) + " recorded exchanges. Examples are redacted.",
		},
		"servers": []any{object{"url": info.Server}},
		"paths":   paths,
	}
	if len(schemes) > 0 {
		doc["components"] = object{"securitySchemes": securitySchemes(schemes)}
	}
	return json.MarshalIndent(doc, "", "  ")
}

// pathTemplate gives the parameters of a route names that differ, as OpenAPI wants
// them, and returns the names in order: /users/{id}/orders/{id} becomes
// /users/{user_id}/orders/{order_id}.
func pathTemplate(route string) (path string, names []string) {
	segments := strings.Split(route, "/")
	count, used := map[string]int{}, map[string]bool{}
	for _, s := range segments {
		count[s]++
	}
	for i, s := range segments {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		name := strings.TrimSuffix(strings.Trim(s, "{}"), "...")
		if count[s] > 1 && i > 0 && segments[i-1] != "" && !strings.HasPrefix(segments[i-1], "{") {
			name = strings.TrimSuffix(segments[i-1], "s") + "_" + name
		}
		for base, n := name, 2; used[name]; n++ {
			name = base + strconv.Itoa(n)
		}
		used[name] = true
		names = append(names, name)
		segments[i] = "{" + name + "}"
	}
	return strings.Join(segments, "/"), names
}

func (op *operation) document(key operationKey, path string, names []string) object {
	out := object{
		"operationId":   operationID(key.method, path),
		"responses":     op.responseObjects(),
		"x-sluice-seen": op.count,
	}
	if parameters := op.parameters(names); len(parameters) > 0 {
		out["parameters"] = parameters
	}
	if op.withBody > 0 {
		out["requestBody"] = object{"required": op.withBody == op.count, "content": contents(op.bodies)}
	}
	var security []any
	for _, scheme := range sorted(op.auth) {
		security = append(security, object{scheme: []any{}})
	}
	if security != nil {
		out["security"] = security
	}
	return out
}

// operationID is unique, for method and path are.
func operationID(method, path string) string {
	words := strings.FieldsFunc(path, func(r rune) bool { return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') })
	return strings.Join(append([]string{method}, words...), "_")
}

func (op *operation) parameters(names []string) []any {
	var out []any
	for i, name := range names {
		p := object{"name": name, "in": "path", "required": true, "schema": object{"type": "string"}}
		if i < len(op.pathValues) {
			p["schema"] = op.pathValues[i].schema()
		}
		out = append(out, p)
	}
	for _, name := range sorted(op.query) {
		p := op.query[name]
		schema := p.shape.schema()
		if p.many {
			schema = object{"type": "array", "items": schema}
		}
		out = append(out, object{"name": name, "in": "query", "required": p.seen == op.count, "schema": schema})
	}
	for _, name := range sorted(op.headers) {
		p := op.headers[name]
		out = append(out, object{"name": name, "in": "header", "required": p.seen == op.count, "schema": p.shape.schema()})
	}
	return out
}

func (op *operation) responseObjects() object {
	out := object{}
	for status, r := range op.responses {
		text := http.StatusText(status)
		if text == "" {
			text = "Status " + strconv.Itoa(status)
		}
		one := object{"description": text}
		if len(r.bodies) > 0 {
			one["content"] = contents(r.bodies)
		}
		out[statusText(status)] = one
	}
	return out
}

func contents(bodies map[string]*content) object {
	out := object{}
	for typ, c := range bodies {
		media := object{}
		switch {
		case c.shape != nil:
			media["schema"] = c.shape.schema()
		case strings.HasPrefix(typ, "text/"):
			media["schema"] = object{"type": "string"}
		}
		if c.example != nil {
			media["example"] = json.RawMessage(c.example)
		}
		out[typ] = media
	}
	return out
}

func securitySchemes(schemes map[string]bool) object {
	out := object{}
	for scheme := range schemes {
		if scheme == "apiKey" {
			out[scheme] = object{"type": "apiKey", "in": "header", "name": "Authorization"}
			continue
		}
		out[scheme] = object{"type": "http", "scheme": scheme}
	}
	return out
}
