package openapi_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice.dev/proto/openapi"
)

type document struct {
	Paths      map[string]map[string]operation
	Components struct {
		Schemas map[string]struct {
			Properties map[string]json.RawMessage
		}
		SecuritySchemes map[string]json.RawMessage
	}
	Security []json.RawMessage
}

type operation struct {
	OperationID string `json:"operationId"`
	Parameters  []struct{ Name, In string }
	Responses   map[string]struct {
		Content map[string]json.RawMessage
	}
}

func load(t *testing.T) (document, string) {
	t.Helper()
	raw, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d, string(raw)
}

func TestOneResourceHasOnePath(t *testing.T) {
	d, _ := load(t)
	item := d.Paths["/api/v1/endpoints/{id}"]
	for _, verb := range []string{"get", "patch", "delete"} {
		if item[verb].OperationID == "" {
			t.Errorf("%s is missing", verb)
		}
	}
	for path := range d.Paths {
		if strings.Contains(path, ".id}") {
			t.Errorf("path %s was not merged", path)
		}
	}
}

func TestNamesAreSnakeCase(t *testing.T) {
	d, _ := load(t)
	camel := regexp.MustCompile("[a-z][A-Z]")
	for name, schema := range d.Components.Schemas {
		for field := range schema.Properties {
			if camel.MatchString(field) {
				t.Errorf("%s.%s", name, field)
			}
		}
	}
	for path, item := range d.Paths {
		for verb, op := range item {
			for _, p := range op.Parameters {
				if p.In == "query" && camel.MatchString(p.Name) {
					t.Errorf("%s %s: %s", verb, path, p.Name)
				}
			}
		}
	}
	if _, ok := d.Components.Schemas["sluice.policy.v1.Endpoint"].Properties["traffic_policy"]; !ok {
		t.Error("Endpoint has no traffic_policy")
	}
}

func TestEveryOperationSaysHowItFails(t *testing.T) {
	d, raw := load(t)
	for path, item := range d.Paths {
		for verb, op := range item {
			if got := string(op.Responses["default"].Content["application/json"]); !strings.Contains(got, "sluice.Error") {
				t.Errorf("%s %s fails with %s", verb, path, got)
			}
		}
	}
	if strings.Contains(raw, "google.rpc.Status") {
		t.Error("google.rpc.Status is still there")
	}
}

func TestStatusCodes(t *testing.T) {
	d, _ := load(t)
	for _, c := range []struct{ path, verb, status string }{
		{"/api/v1/endpoints", "post", "201"},
		{"/api/v1/endpoints", "get", "200"},
		{"/api/v1/endpoints/{id}", "delete", "204"},
		{"/api/v1/exchanges/{id}:replay", "post", "200"},
	} {
		responses := d.Paths[c.path][c.verb].Responses
		if _, ok := responses[c.status]; !ok || len(responses) != 2 {
			t.Errorf("%s %s answers %v", c.verb, c.path, responses)
		}
	}
}

func TestTailIsAnEventStream(t *testing.T) {
	d, _ := load(t)
	op := d.Paths["/api/v1/exchanges:tail"]["get"]
	if _, ok := op.Responses["200"].Content["text/event-stream"]; !ok {
		t.Errorf("tail answers %v", op.Responses["200"])
	}
	if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == "Last-Event-ID" && p.In == "header" }) {
		t.Error("tail cannot be resumed")
	}
}

func TestReferencesResolve(t *testing.T) {
	d, raw := load(t)
	for _, m := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(raw, -1) {
		if _, ok := d.Components.Schemas[m[1]]; !ok {
			t.Errorf("nothing is called %s", m[1])
		}
	}
	if len(d.Security) != 1 || d.Components.SecuritySchemes["api_key"] == nil {
		t.Error("the bearer scheme is missing")
	}
}
