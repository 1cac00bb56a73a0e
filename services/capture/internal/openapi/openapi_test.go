package openapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/openapi"
)

// call is an exchange of a shop, with a JSON body on either side unless it is empty.
func call(method, route, url string, status uint32, request, response string) *capturev1.Exchange {
	path, query, _ := strings.Cut(url, "?")
	e := &capturev1.Exchange{
		Id: fmt.Sprintf("ex_%s_%s_%d", method, url, status), Route: route,
		Request:  &capturev1.Request{Method: method, Path: path, Query: query, Body: &capturev1.Body{}},
		Response: &capturev1.Response{StatusCode: status, Body: &capturev1.Body{}},
		Upstream: &capturev1.UpstreamCall{Address: "127.0.0.1:4000"},
	}
	if request != "" {
		e.Request.Headers = []*capturev1.Header{{Name: "Content-Type", Value: "application/json"}}
		e.Request.Body = &capturev1.Body{Content: []byte(request), Size: uint64(len(request))}
	}
	if response != "" {
		e.Response.Headers = []*capturev1.Header{{Name: "content-type", Value: "application/json; charset=utf-8"}}
		e.Response.Body = &capturev1.Body{Content: []byte(response), Size: uint64(len(response))}
	}
	return e
}

// orders is traffic of one operation and some of another.
func orders() []*capturev1.Exchange {
	return []*capturev1.Exchange{
		call("GET", "/users/{id}/orders/{id}", "/users/8412/orders/77?expand=items", 200, "",
			`{"id":77,"total":12.5,"created":"2026-01-02T03:04:05Z","note":null,"items":[{"sku":"a","count":2}]}`),
		call("GET", "/users/{id}/orders/{id}", "/users/9/orders/78", 200, "",
			`{"id":78,"total":3,"created":"2026-02-02T03:04:05Z","note":"gift","items":[]}`),
		call("GET", "/users/{id}/orders/{id}", "/users/9/orders/79", 404, "", `{"error":"no such order"}`),
		call("POST", "/users", "/users", 201, `{"email":"ada@example.com","password":"[redacted json_password 8 0011223344556677]"}`, `{"id":10}`),
	}
}

func document(t *testing.T, exchanges ...*capturev1.Exchange) (doc map[string]any, text string) {
	t.Helper()
	d := openapi.NewDescription()
	for _, e := range exchanges {
		d.Add(e)
	}
	raw, err := d.Document(openapi.Info{Title: "shop", Server: "https://shop.example"})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc, string(raw)
}

func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func TestTrafficIsDescribed(t *testing.T) {
	doc, _ := document(t, orders()...)
	get := at(doc, "paths", "/users/{user_id}/orders/{order_id}", "get")
	wantParameters := []any{
		map[string]any{"name": "user_id", "in": "path", "required": true, "schema": map[string]any{"type": "integer"}},
		map[string]any{"name": "order_id", "in": "path", "required": true, "schema": map[string]any{"type": "integer"}},
		map[string]any{"name": "expand", "in": "query", "required": false, "schema": map[string]any{"type": "string"}},
	}
	if diff := cmp.Diff(wantParameters, at(get, "parameters")); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	wantSchema := map[string]any{
		"type":     "object",
		"required": []any{"created", "id", "items", "note", "total"},
		"properties": map[string]any{
			"id": map[string]any{"type": "integer"}, "total": map[string]any{"type": "number"},
			"created": map[string]any{"type": "string", "format": "date-time"},
			"note":    map[string]any{"type": []any{"string", "null"}},
			"items": map[string]any{"type": "array", "items": map[string]any{
				"type": "object", "required": []any{"count", "sku"},
				"properties": map[string]any{"sku": map[string]any{"type": "string"}, "count": map[string]any{"type": "integer"}},
			}},
		},
	}
	if diff := cmp.Diff(wantSchema, at(get, "responses", "200", "content", "application/json", "schema")); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	if at(get, "responses", "404", "content", "application/json", "schema", "properties", "error") == nil {
		t.Error("the 404 is not described")
	}
	post := at(doc, "paths", "/users", "post", "requestBody")
	if at(post, "required") != true || at(post, "content", "application/json", "schema", "properties", "email", "format") != "email" {
		t.Errorf("the request's body is %v", post)
	}
	if password, ok := at(post, "content", "application/json", "schema", "properties", "password").(map[string]any); !ok || len(password) != 0 {
		t.Errorf("a redacted value has the schema %v; it says nothing", password)
	}
}

func TestNamesThatAreDataBecomeADictionary(t *testing.T) {
	var exchanges []*capturev1.Exchange
	for i := range 60 {
		exchanges = append(exchanges, call("GET", "/stock", "/stock", 200, "", fmt.Sprintf(`{"sku-%d":{"left":%d}}`, i, i)))
	}
	doc, _ := document(t, exchanges...)
	schema := at(doc, "paths", "/stock", "get", "responses", "200", "content", "application/json", "schema")
	want := map[string]any{"type": "object", "additionalProperties": map[string]any{
		"type": "object", "required": []any{"left"}, "properties": map[string]any{"left": map[string]any{"type": "integer"}},
	}}
	if diff := cmp.Diff(want, schema); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}

func TestAnswersOfTheGatewayAreNotTheAPI(t *testing.T) {
	refused := call("GET", "/users", "/users", 429, "", `{"error":"slow down"}`)
	refused.Upstream = nil
	if doc, _ := document(t, refused); len(at(doc, "paths").(map[string]any)) != 0 {
		t.Errorf("paths: %v", at(doc, "paths"))
	}
}

// What is inferred from traffic holds for that traffic.
func TestDescriptionAgreesWithItsTraffic(t *testing.T) {
	_, text := document(t, orders()...)
	for _, d := range compare(t, text, orders()...) {
		t.Errorf("it differs: %v", d)
	}
}

func compare(t *testing.T, text string, exchanges ...*capturev1.Exchange) []*capturev1.ValidateOpenApiResponse_Drift {
	t.Helper()
	contract, err := openapi.ReadContract(text)
	if err != nil {
		t.Fatal(err)
	}
	c := openapi.NewComparison(contract)
	for _, e := range exchanges {
		c.Add(e)
	}
	return c.Drifts()
}

const shop = `
openapi: 3.0.3
info: {title: shop, version: "1"}
servers: [{url: https://shop.example/v1}]
paths:
  /orders/{order}:
    parameters:
      - {name: order, in: path, required: true, schema: {type: integer, minimum: 1}}
    get:
      parameters:
        - $ref: '#/components/parameters/Expand'
        - {name: x-tenant, in: header, required: true, schema: {type: string}}
      responses:
        200:
          description: ok
          content:
            application/json: {schema: {$ref: '#/components/schemas/Order'}}
        default: {$ref: '#/components/responses/Problem'}
  /orders/latest:
    get: {responses: {2XX: {description: ok}}}
  /orders:
    post:
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
      responses: {201: {description: created}}
components:
  parameters:
    Expand: {name: expand, in: query, schema: {type: string, enum: [items, customer]}}
  responses:
    Problem: {description: problem, content: {application/problem+json: {schema: {type: object}}}}
  schemas:
    Order:
      type: object
      required: [id]
      properties:
        id: {type: integer}
        note: {type: string, nullable: true}
        parent: {$ref: '#/components/schemas/Order'}
`

func TestDrift(t *testing.T) {
	tenant := func(e *capturev1.Exchange) *capturev1.Exchange {
		e.Request.Headers = append(e.Request.Headers, &capturev1.Header{Name: "X-Tenant", Value: "a"})
		return e
	}
	for name, c := range map[string]struct {
		e    *capturev1.Exchange
		want string // method path kind message; empty for none
	}{
		"as documented":          {tenant(call("GET", "", "/v1/orders/7?expand=items", 200, "", `{"id":7,"note":null,"parent":{"id":1}}`)), ""},
		"path without the base":  {tenant(call("GET", "", "/orders/7", 200, "", `{"id":7}`)), ""},
		"concrete path wins":     {call("GET", "", "/v1/orders/latest", 204, "", ""), ""},
		"unknown path":           {call("GET", "/carts/{id}", "/v1/carts/1", 200, "", ""), "GET /carts/{id} KIND_UNDOCUMENTED_PATH the document has no such path"},
		"unknown method":         {call("PATCH", "", "/v1/orders/7", 200, "", ""), "PATCH /orders/{order} KIND_UNDOCUMENTED_METHOD the document has GET"},
		"unknown parameter":      {tenant(call("GET", "", "/v1/orders/7?page=2", 200, "", "")), `GET /orders/{order} KIND_UNDOCUMENTED_PARAMETER query parameter "page"`},
		"missing parameter":      {call("GET", "", "/v1/orders/7", 200, "", ""), `GET /orders/{order} KIND_MISSING_PARAMETER header parameter "x-tenant" is required`},
		"wrong path parameter":   {tenant(call("GET", "", "/v1/orders/seven", 200, "", "")), `GET /orders/{order} KIND_INVALID_PARAMETER path parameter "order": got string, want integer`},
		"wrong query parameter":  {tenant(call("GET", "", "/v1/orders/7?expand=all", 200, "", "")), `GET /orders/{order} KIND_INVALID_PARAMETER query parameter "expand": value must be one of 'items', 'customer'`},
		"unknown status":         {call("POST", "", "/v1/orders", 500, `{"id":1}`, ""), "POST /orders KIND_UNDOCUMENTED_STATUS status 500"},
		"wrong response":         {tenant(call("GET", "", "/v1/orders/7", 200, "", `{"id":7,"parent":{"id":"one"}}`)), "GET /orders/{order} KIND_INVALID_RESPONSE_BODY response 200: $.parent.id: got string, want integer"},
		"wrong request":          {call("POST", "", "/v1/orders", 201, `{"note":"x"}`, ""), "POST /orders KIND_INVALID_REQUEST_BODY request: missing property 'id'"},
		"no request":             {call("POST", "", "/v1/orders", 201, "", ""), "POST /orders KIND_INVALID_REQUEST_BODY a body is required"},
		"other content type":     {tenant(call("GET", "", "/v1/orders/7", 404, "", `{}`)), "GET /orders/{order} KIND_UNDOCUMENTED_CONTENT_TYPE response 404 of type application/json"},
		"redacted is not judged": {call("POST", "", "/v1/orders", 201, `{"id":"[redacted card_number 16 0011223344556677]"}`, ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, d := range compare(t, shop, c.e, c.e) {
				if d.GetKind() == capturev1.ValidateOpenApiResponse_Drift_KIND_UNUSED_OPERATION {
					continue
				}
				if d.GetCount() != 2 || d.GetExampleId() != c.e.GetId() {
					t.Errorf("count and example of %v", d)
				}
				got = append(got, fmt.Sprintf("%s %s %s %s", d.GetMethod(), d.GetPath(), d.GetKind(), d.GetMessage()))
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

func TestUnusedOperationsAreTold(t *testing.T) {
	if got := compare(t, shop); len(got) != 3 || got[0].GetKind() != capturev1.ValidateOpenApiResponse_Drift_KIND_UNUSED_OPERATION {
		t.Errorf("got %v", got)
	}
}

func TestWrongDocuments(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no YAML":        {"a: [", "neither JSON nor YAML"},
		"no object":      {"[]", "is an object"},
		"old":            {`{"swagger":"2.0"}`, "openapi is"},
		"no paths":       {`{"openapi":"3.1.0"}`, "no paths"},
		"dangling":       {`{"openapi":"3.1.0","paths":{"/a":{"$ref":"#/nowhere"}}}`, "does not exist"},
		"from the disk":  {`{"openapi":"3.1.0","paths":{"/a":{"$ref":"/etc/passwd"}}}`, "only references within the document"},
		"goes in circle": {`{"openapi":"3.1.0","paths":{"/a":{"$ref":"#/paths/~1a"}}}`, "refers to itself"},
	} {
		if _, err := openapi.ReadContract(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// References to files and URLs inside schemas are never followed.
func TestSchemasStayInTheDocument(t *testing.T) {
	text := `{"openapi":"3.1.0","paths":{"/a":{"get":{"responses":{"200":{"description":"","content":{"application/json":{"schema":{"$ref":"file:///etc/passwd"}}}}}}}}}`
	if got := compare(t, text, call("GET", "", "/a", 200, "", `{"x":1}`)); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func FuzzContract(f *testing.F) {
	f.Add(shop)
	f.Fuzz(func(_ *testing.T, text string) {
		if contract, err := openapi.ReadContract(text); err == nil {
			c := openapi.NewComparison(contract)
			for _, e := range orders() {
				c.Add(e)
			}
			c.Drifts()
		}
	})
}
