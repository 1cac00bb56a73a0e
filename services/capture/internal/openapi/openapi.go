// Package openapi describes recorded traffic as an OpenAPI 3.1 document, and finds
// where traffic differs from a document that somebody wrote.
//
// It sees exchanges one by one and keeps shapes and counts, never the exchanges.
// Values that redaction replaced tell it nothing but that they were there.
package openapi

import (
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Bounds of what one description keeps. What comes after them is not described.
const (
	maxOperations = 1000
	maxParameters = 100
	maxMediaTypes = 10
	maxExample    = 4 << 10 // bytes
	maxDecoded    = 1 << 20 // bytes of a body, after decoding
)

// Description is an API as its traffic shows it.
type Description struct {
	operations map[operationKey]*operation
	exchanges  uint64
}

type operationKey struct{ route, method string }

// operation is what is known of one method of one route.
type operation struct {
	count      int
	pathValues []*shape // by position of the parameter in the route
	query      map[string]*parameter
	headers    map[string]*parameter
	auth       map[string]bool
	bodies     map[string]*content // of requests, by media type
	withBody   int
	responses  map[int]*response
}

type parameter struct {
	shape *shape
	seen  int
	many  bool // given several times in one request
}

// content is a body of one media type.
type content struct {
	shape   *shape // nil unless it is JSON or a form
	example []byte
}

type response struct {
	bodies map[string]*content
}

// NewDescription returns an empty description.
func NewDescription() *Description {
	return &Description{operations: map[operationKey]*operation{}}
}

// Exchanges is how many were added.
func (d *Description) Exchanges() uint64 { return d.exchanges }

// Add takes an exchange into account, but for those that the gateway itself
// answered: they say nothing of the API.
func (d *Description) Add(e *capturev1.Exchange) {
	if e.GetResponse() == nil || e.GetUpstream() == nil || !described(e.GetRequest().GetMethod()) {
		return
	}
	key := operationKey{routeOf(e), strings.ToLower(e.GetRequest().GetMethod())}
	op := d.operations[key]
	if op == nil {
		if len(d.operations) >= maxOperations {
			return
		}
		op = &operation{
			query: map[string]*parameter{}, headers: map[string]*parameter{}, auth: map[string]bool{},
			bodies: map[string]*content{}, responses: map[int]*response{},
		}
		d.operations[key] = op
	}
	d.exchanges++
	op.add(key.route, e)
}

// described are the methods that OpenAPI has a place for.
func described(method string) bool {
	return slices.Contains([]string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}, method)
}

func routeOf(e *capturev1.Exchange) string {
	if e.GetRoute() != "" {
		return e.GetRoute()
	}
	return e.GetRequest().GetPath()
}

func (op *operation) add(route string, e *capturev1.Exchange) {
	op.count++
	op.addPath(route, e.GetRequest().GetPath())
	op.addQuery(e.GetRequest().GetQuery())
	op.addHeaders(e.GetRequest().GetHeaders())
	if e.GetRequest().GetBody().GetSize() > 0 {
		op.withBody++
		addContent(op.bodies, e.GetRequest().GetHeaders(), e.GetRequest().GetBody())
	}
	status := int(e.GetResponse().GetStatusCode())
	if op.responses[status] == nil {
		op.responses[status] = &response{bodies: map[string]*content{}}
	}
	if e.GetResponse().GetBody().GetSize() > 0 {
		addContent(op.responses[status].bodies, e.GetResponse().GetHeaders(), e.GetResponse().GetBody())
	}
}

func (op *operation) addPath(route, path string) {
	for i, value := range pathValues(route, path) {
		if i == len(op.pathValues) {
			op.pathValues = append(op.pathValues, &shape{})
		}
		op.pathValues[i].addText(value)
	}
}

// pathValues are the segments of path that stand where route has parameters.
func pathValues(route, path string) (values []string) {
	segments := strings.Split(path, "/")
	for i, part := range strings.Split(route, "/") {
		if strings.HasPrefix(part, "{") && i < len(segments) {
			value := segments[i]
			if strings.HasSuffix(part, "...}") {
				value = strings.Join(segments[i:], "/")
			}
			values = append(values, value)
		}
	}
	return values
}

func (op *operation) addQuery(query string) {
	values, _ := url.ParseQuery(query) // what cannot be decoded names no parameter
	for name, all := range values {
		p := parameterOf(op.query, name)
		if p == nil {
			continue
		}
		p.seen++
		p.many = p.many || len(all) > 1
		for _, v := range all {
			p.shape.addText(v)
		}
	}
}

func parameterOf(all map[string]*parameter, name string) *parameter {
	p := all[name]
	if p == nil && len(all) < maxParameters {
		p = &parameter{shape: &shape{}}
		all[name] = p
	}
	return p
}

// addHeaders looks at what applications define themselves: the rest is HTTP's, the
// client's or a proxy's.
func (op *operation) addHeaders(headers []*capturev1.Header) {
	for _, h := range headers {
		name := strings.ToLower(h.GetName())
		switch {
		case name == "authorization":
			op.auth[authorization(h.GetValue())] = true
		case applicationHeader(name):
			if p := parameterOf(op.headers, name); p != nil {
				p.seen++
				p.shape.addText(h.GetValue())
			}
		}
	}
}

func applicationHeader(name string) bool {
	if name == "idempotency-key" {
		return true
	}
	if !strings.HasPrefix(name, "x-") {
		return false
	}
	for _, prefix := range []string{"x-forwarded-", "x-real-ip", "x-request-id", "x-correlation-id", "x-b3-", "x-amzn-", "x-requested-with", "x-datadog-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}

// authorization is the scheme of the header, where redaction left it.
func authorization(value string) string {
	scheme, _, _ := strings.Cut(value, " ")
	switch strings.ToLower(scheme) {
	case "bearer", "basic", "digest":
		return strings.ToLower(scheme)
	}
	return "apiKey"
}

func addContent(to map[string]*content, headers []*capturev1.Header, b *capturev1.Body) {
	typ := mediaType(headers)
	c := to[typ]
	if c == nil {
		if len(to) >= maxMediaTypes {
			return
		}
		c = &content{}
		to[typ] = c
	}
	value, raw, ok := parsed(typ, headers, b)
	if !ok {
		return
	}
	if c.shape == nil {
		c.shape = &shape{}
	}
	c.shape.add(value, 0)
	if c.example == nil && len(raw) <= maxExample {
		c.example = raw
	}
}

func mediaType(headers []*capturev1.Header) string {
	value := headerValue(headers, "content-type")
	typ, _, err := mime.ParseMediaType(value)
	if err != nil {
		return "application/octet-stream" // RFC 9110 section 8.3
	}
	return typ
}

func headerValue(headers []*capturev1.Header, name string) string {
	for _, h := range headers {
		if strings.EqualFold(h.GetName(), name) {
			return h.GetValue()
		}
	}
	return ""
}

func statusText(status int) string { return strconv.Itoa(status) }
