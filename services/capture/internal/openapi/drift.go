package openapi

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// maxDrifts bounds how many differences are kept and told.
const maxDrifts = 500

// Comparison finds where traffic differs from a contract.
type Comparison struct {
	contract  *Contract
	drifts    map[driftKey]*capturev1.ValidateOpenApiResponse_Drift
	used      map[*documentedOperation]bool
	exchanges uint64
}

type driftKey struct {
	kind                  capturev1.ValidateOpenApiResponse_Drift_Kind
	method, path, message string
}

// NewComparison returns a comparison that has seen nothing.
func NewComparison(c *Contract) *Comparison {
	return &Comparison{contract: c, drifts: map[driftKey]*capturev1.ValidateOpenApiResponse_Drift{}, used: map[*documentedOperation]bool{}}
}

// Exchanges is how many were looked at.
func (c *Comparison) Exchanges() uint64 { return c.exchanges }

// Add looks at an exchange, unless the gateway itself answered it.
func (c *Comparison) Add(e *capturev1.Exchange) {
	if e.GetResponse() == nil || e.GetUpstream() == nil || !described(e.GetRequest().GetMethod()) {
		return
	}
	c.exchanges++
	seen := sighting{c: c, e: e, method: e.GetRequest().GetMethod(), path: routeOf(e)}
	route, values := c.contract.find(e.GetRequest().GetPath())
	if route == nil {
		seen.drift(capturev1.ValidateOpenApiResponse_Drift_KIND_UNDOCUMENTED_PATH, "the document has no such path")
		return
	}
	seen.path = route.path
	op := route.operations[strings.ToLower(seen.method)]
	if op == nil {
		seen.drift(capturev1.ValidateOpenApiResponse_Drift_KIND_UNDOCUMENTED_METHOD, "the document has "+strings.Join(methodsOf(route), ", "))
		return
	}
	c.used[op] = true
	seen.parameters(op, values)
	seen.requestBody(op)
	seen.response(op)
}

func methodsOf(p *documentedPath) []string {
	out := sorted(p.operations)
	for i, m := range out {
		out[i] = strings.ToUpper(m)
	}
	return out
}

// find returns the documented path that a path is an instance of, and the values
// of its parameters by name.
func (c *Contract) find(path string) (*documentedPath, map[string]string) {
	candidates := []string{path}
	for _, base := range c.bases {
		if rest, ok := strings.CutPrefix(path, base); ok && strings.HasPrefix(rest, "/") {
			candidates = append(candidates, rest)
		}
	}
	for _, candidate := range candidates {
		segments := strings.Split(candidate, "/")
		for _, p := range c.routes {
			if values, ok := p.match(segments); ok {
				return p, values
			}
		}
	}
	return nil, nil
}

func (p *documentedPath) match(segments []string) (map[string]string, bool) {
	if len(segments) != len(p.segments) {
		return nil, false
	}
	values := map[string]string{}
	for i, want := range p.segments {
		prefix, rest, templated := strings.Cut(want, "{")
		name, suffix, closed := strings.Cut(rest, "}")
		if !templated || !closed {
			if want != segments[i] {
				return nil, false
			}
			continue
		}
		got, ok := strings.CutPrefix(segments[i], prefix)
		if !ok || !strings.HasSuffix(got, suffix) || len(got) == len(suffix) {
			return nil, false
		}
		values[name] = strings.TrimSuffix(got, suffix)
	}
	return values, true
}

// sighting is one exchange that is looked at.
type sighting struct {
	c            *Comparison
	e            *capturev1.Exchange
	method, path string
}

func (s sighting) drift(kind capturev1.ValidateOpenApiResponse_Drift_Kind, text string) {
	key := driftKey{kind, s.method, s.path, text}
	d := s.c.drifts[key]
	if d == nil {
		if len(s.c.drifts) >= maxDrifts {
			return
		}
		d = &capturev1.ValidateOpenApiResponse_Drift{Kind: kind, Method: s.method, Path: s.path, Message: text, ExampleId: s.e.GetId()}
		s.c.drifts[key] = d
	}
	d.Count++
}

func (s sighting) parameters(op *documentedOperation, pathValues map[string]string) {
	query, _ := url.ParseQuery(s.e.GetRequest().GetQuery())
	for _, p := range op.parameters {
		values := query[p.name]
		switch p.in {
		case "path":
			values = []string{pathValues[p.name]}
		case "header":
			values = headerValues(s.e.GetRequest().GetHeaders(), p.name)
		case "cookie":
			continue // their values are redacted
		}
		if len(values) == 0 {
			if p.required {
				s.drift(capturev1.ValidateOpenApiResponse_Drift_KIND_MISSING_PARAMETER, fmt.Sprintf("%s parameter %q is required", p.in, p.name))
			}
			continue
		}
		if wrong := s.c.contract.checkParameter(p, values); wrong != "" {
			s.drift(capturev1.ValidateOpenApiResponse_Drift_KIND_INVALID_PARAMETER, fmt.Sprintf("%s parameter %q: %s", p.in, p.name, wrong))
		}
	}
	for _, name := range sorted(query) {
		known := slices.ContainsFunc(op.parameters, func(p documentedParameter) bool {
			base, _, _ := strings.Cut(name, "[") // deepObject and name[]
			return p.in == "query" && (p.name == name || p.name == base || p.name == base+"[]")
		})
		if !known {
			s.drift(capturev1.ValidateOpenApiResponse_Drift_KIND_UNDOCUMENTED_PARAMETER, fmt.Sprintf("query parameter %q", name))
		}
	}
}

// checkParameter takes the values for an array when the schema wants one, and the
// text for a number or boolean when it can be one.
func (c *Contract) checkParameter(p documentedParameter, values []string) string {
	if p.pointer == "" || slices.ContainsFunc(values, redacted) {
		return ""
	}
	schema, _, err := c.resolve(c.at(p.pointer), p.pointer)
	if err != nil {
		return ""
	}
	if schema["type"] == "array" {
		if len(values) == 1 {
			values = strings.Split(values[0], ",")
		}
		all := make([]any, len(values))
		items, _, _ := c.resolve(schema["items"], "") // nil has no type
		for i, v := range values {
			all[i] = typed(v, items)
		}
		return c.check(p.pointer, all)
	}
	if schema["type"] == "object" {
		return ""
	}
	return c.check(p.pointer, typed(values[0], schema))
}

func typed(text string, schema object) any {
	switch schema["type"] {
	case "string":
		return text
	case "boolean":
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n
	}
	return text
}

func (s sighting) requestBody(op *documentedOperation) {
	body, headers := s.e.GetRequest().GetBody(), s.e.GetRequest().GetHeaders()
	required, _ := op.body["required"].(bool)
	switch {
	case body.GetSize() == 0 && required:
		s.drift(capturev1.ValidateOpenApiResponse_Drift_KIND_INVALID_REQUEST_BODY, "a body is required")
	case body.GetSize() > 0 && op.body == nil:
		s.drift(capturev1.ValidateOpenApiResponse_Drift_KIND_INVALID_REQUEST_BODY, "no body is documented")
	case body.GetSize() > 0:
		s.content(op.body, op.bodyAt, "request", headers, body, capturev1.ValidateOpenApiResponse_Drift_KIND_INVALID_REQUEST_BODY)
	}
}

func (s sighting) response(op *documentedOperation) {
	status := int(s.e.GetResponse().GetStatusCode())
	var raw any
	pointer := op.pointer + "/responses/"
	for _, name := range []string{statusText(status), strconv.Itoa(status/100) + "XX", "default"} {
		if r, ok := op.responses[name]; ok {
			raw, pointer = r, pointer+name
			break
		}
	}
	documented, at, err := s.c.contract.resolve(raw, pointer)
	if err != nil {
		s.drift(capturev1.ValidateOpenApiResponse_Drift_KIND_UNDOCUMENTED_STATUS, "status "+statusText(status))
		return
	}
	if body := s.e.GetResponse().GetBody(); body.GetSize() > 0 && documented["content"] != nil {
		s.content(documented, at, "response "+statusText(status), s.e.GetResponse().GetHeaders(), body, capturev1.ValidateOpenApiResponse_Drift_KIND_INVALID_RESPONSE_BODY)
	}
}

// content compares a body with what a request body or response documents.
func (s sighting) content(documented object, pointer, what string, headers []*capturev1.Header, b *capturev1.Body, kind capturev1.ValidateOpenApiResponse_Drift_Kind) {
	typ := mediaType(headers)
	content, _ := documented["content"].(object)
	name := matching(content, typ)
	if name == "" {
		s.drift(capturev1.ValidateOpenApiResponse_Drift_KIND_UNDOCUMENTED_CONTENT_TYPE, what+" of type "+typ)
		return
	}
	media, _ := content[name].(object)
	if _, ok := media["schema"].(object); !ok {
		return
	}
	value, _, ok := parsed(typ, headers, b)
	if !ok || !isJSON(typ) { // a form's values have no types to compare
		return
	}
	if wrong := s.c.contract.check(pointer+"/content/"+escaped(name)+"/schema", value); wrong != "" {
		s.drift(kind, what+": "+wrong)
	}
}

// matching is the most specific media type or range of content that typ is in.
func matching(content object, typ string) string {
	major, _, _ := strings.Cut(typ, "/")
	for _, want := range []string{typ, major + "/*", "*/*"} {
		for _, name := range sorted(content) {
			base, _, _ := strings.Cut(name, ";")
			if strings.EqualFold(strings.TrimSpace(base), want) {
				return name
			}
		}
	}
	return ""
}

func headerValues(headers []*capturev1.Header, name string) (values []string) {
	for _, h := range headers {
		if strings.EqualFold(h.GetName(), name) {
			values = append(values, h.GetValue())
		}
	}
	return values
}

// Drifts are the differences found, most frequent first, and the operations of the
// document that no exchange used.
func (c *Comparison) Drifts() []*capturev1.ValidateOpenApiResponse_Drift {
	out := slices.Collect(maps.Values(c.drifts))
	for _, p := range c.contract.routes {
		for _, method := range sorted(p.operations) {
			if !c.used[p.operations[method]] {
				out = append(out, &capturev1.ValidateOpenApiResponse_Drift{
					Kind: capturev1.ValidateOpenApiResponse_Drift_KIND_UNUSED_OPERATION, Method: strings.ToUpper(method), Path: p.path,
					Message: "documented and not seen",
				})
			}
		}
	}
	slices.SortFunc(out, func(a, b *capturev1.ValidateOpenApiResponse_Drift) int {
		return cmp.Or(cmp.Compare(b.GetCount(), a.GetCount()), cmp.Compare(a.GetKind(), b.GetKind()),
			cmp.Compare(a.GetPath(), b.GetPath()), cmp.Compare(a.GetMethod(), b.GetMethod()), cmp.Compare(a.GetMessage(), b.GetMessage()))
	})
	return out[:min(len(out), maxDrifts)]
}

var english = message.NewPrinter(language.English)

// firstCause is the innermost first error that is not about a redacted value, with
// its place; array positions are left out so that equal errors count together.
func firstCause(e *jsonschema.ValidationError, value any) string {
	if len(e.Causes) == 0 {
		if text, ok := valueAt(value, e.InstanceLocation).(string); ok && redacted(text) {
			return ""
		}
		return place(e.InstanceLocation) + e.ErrorKind.LocalizedString(english)
	}
	for _, cause := range e.Causes {
		if text := firstCause(cause, value); text != "" {
			return text
		}
	}
	return ""
}

func place(location []string) string {
	if len(location) == 0 {
		return ""
	}
	out := "$"
	for _, part := range location {
		if _, err := strconv.Atoi(part); err == nil {
			out += "[*]"
			continue
		}
		out += "." + part
	}
	return out + ": "
}

func valueAt(value any, location []string) any {
	for _, part := range location {
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}
