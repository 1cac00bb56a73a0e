package gateway_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sluice.dev/gateway/internal/apierror"
)

func TestResources(t *testing.T) {
	s := start(t, nil)
	created := s.call("POST", "/api/v1/endpoints", `{"url":"https://api.example.com","upstream":{"url":"http://127.0.0.1:3000"}}`)
	if created.status != http.StatusCreated {
		t.Fatalf("create: %+v", created)
	}
	var e map[string]any
	created.decode(t, &e)
	for _, field := range []string{"id", "traffic_policy", "created_at", "updated_at", "metadata"} {
		if _, ok := e[field]; !ok {
			t.Errorf("%s is missing from %s", field, created.body)
		}
	}
	if got := s.call("GET", "/api/v1/endpoints/ep_1", ""); got.status != http.StatusOK {
		t.Errorf("get: %+v", got)
	}
	if got := s.call("PATCH", "/api/v1/endpoints/ep_1", `{"description":"x","upstream":{"url":"http://b"}}`); got.status != http.StatusOK {
		t.Errorf("update: %+v", got)
	}
	if got, want := s.policy.masks["ep_1"], []string{"description", "upstream.url"}; !slices.Equal(got, want) {
		t.Errorf("the mask was %v, want %v", got, want)
	}
	if got := s.call("DELETE", "/api/v1/endpoints/ep_1", ""); got.status != http.StatusNoContent || got.body != "" {
		t.Errorf("delete: %+v", got)
	}
	if got := s.call("POST", "/api/v1/exchanges/ex_1:replay", `{"body":"aGk="}`); got.status != http.StatusOK || !strings.Contains(got.body, "replay of ex_1") {
		t.Errorf("replay: %+v", got)
	}
	if got := s.call("GET", "/api/v1/exchanges?filter=status:5xx&start_time=2026-01-02T03:04:05Z&limit=3", ""); !strings.Contains(got.body, `"next_cursor":"status:5xx"`) {
		t.Errorf("list: %+v", got)
	}
	if s.policy.principal != "local" {
		t.Errorf("the principal was %q", s.policy.principal)
	}
}

func TestErrors(t *testing.T) {
	s := start(t, nil)
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		want               apierror.Detail
	}{
		"policy problems keep their place": {"POST", "/api/v1/endpoints", `{"traffic_policy":"wrong"}`, nil, 400,
			apierror.Detail{Code: "INVALID_ARGUMENT", Reason: "INVALID_ARGUMENT", Message: "the policy has 1 problem", Violations: []apierror.Violation{{
				Field: "on_http_request[0].actions[0].type", Message: "there is no action \"denny\"", Hint: "did you mean deny?", Line: 3, Column: 11, Code: "SLUICE_2203"}}}},
		"unknown field": {"POST", "/api/v1/endpoints", "{\n  \"uri\": \"x\"}", nil, 400,
			apierror.Detail{Code: "INVALID_ARGUMENT", Reason: "UNKNOWN_FIELD", Message: `the body has an unknown field "uri" (line 2, column 3)`,
				Violations: []apierror.Violation{{Field: "uri", Message: "unknown field", Line: 2, Column: 3}}}},
		"unknown field of an update": {"PATCH", "/api/v1/endpoints/ep_1", `{"uri":"x"}`, nil, 400,
			apierror.Detail{Code: "INVALID_ARGUMENT", Reason: "UNKNOWN_FIELD", Message: `the body has an unknown field "uri" (line 1, column 2)`,
				Violations: []apierror.Violation{{Field: "uri", Message: "unknown field", Line: 1, Column: 2}}}},
		"wrong type": {"POST", "/api/v1/endpoints", `{"url":7}`, nil, 400,
			apierror.Detail{Code: "INVALID_ARGUMENT", Reason: "INVALID_ARGUMENT", Message: "the body cannot be read (line 1, column 8): invalid value for string field url: 7",
				Violations: []apierror.Violation{{Field: "url", Message: "invalid value for string field url: 7", Line: 1, Column: 8}}}},
		"unknown parameter": {"GET", "/api/v1/endpoints?limt=1", "", nil, 400,
			apierror.Detail{Code: "INVALID_ARGUMENT", Reason: "UNKNOWN_PARAMETER", Message: `there is no query parameter "limt"`,
				Violations: []apierror.Violation{{Field: "limt", Message: "unknown query parameter", Hint: "known are limit, cursor"}}}},
		"bad parameter": {"GET", "/api/v1/endpoints?limit=many", "", nil, 400,
			apierror.Detail{Code: "INVALID_ARGUMENT", Reason: "INVALID_ARGUMENT", Message: `limit: "many": invalid syntax`,
				Violations: []apierror.Violation{{Field: "limit", Message: `"many": invalid syntax`}}}},
		"validation": {"GET", "/api/v1/endpoints?limit=5000", "", nil, 400,
			apierror.Detail{Code: "INVALID_ARGUMENT", Reason: "INVALID_ARGUMENT", Message: "limit: must be greater than or equal to 0 and less than or equal to 1000",
				Violations: []apierror.Violation{{Field: "limit", Message: "must be greater than or equal to 0 and less than or equal to 1000"}}}},
		"not found": {"GET", "/api/v1/endpoints/ep_9", "", nil, 404,
			apierror.Detail{Code: "NOT_FOUND", Reason: "NOT_FOUND", Message: `no endpoint has the id "ep_9"`}},
		"no route": {"GET", "/api/v1/nothing", "", nil, 404,
			apierror.Detail{Code: "NOT_FOUND", Reason: "NOT_FOUND", Message: "there is nothing at /api/v1/nothing; /api/v1/openapi.json lists what there is"}},
		"wrong method": {"PUT", "/api/v1/endpoints/ep_1", `{}`, nil, 405,
			apierror.Detail{Code: "UNIMPLEMENTED", Reason: "METHOD_NOT_ALLOWED", Message: "/api/v1/endpoints/ep_1 does not take PUT; it takes DELETE, GET, PATCH"}},
		"not JSON": {"POST", "/api/v1/endpoints", `url=x`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415,
			apierror.Detail{Code: "INVALID_ARGUMENT", Reason: "UNSUPPORTED_MEDIA_TYPE", Message: `the body must be JSON: send the header "content-type: application/json"`}},
		"panic": {"POST", "/api/v1/endpoints", `{"traffic_policy":"panic"}`, nil, 500,
			apierror.Detail{Code: "INTERNAL", Reason: "INTERNAL", Message: "an internal error occurred; the server's log has the details"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.call(c.method, c.path, c.body, c.headers...)
			var body apierror.Body
			got.decode(t, &body)
			id := got.header.Get("X-Request-Id")
			if id == "" || body.Error.RequestID != id {
				t.Errorf("request ids %q and %q", id, body.Error.RequestID)
			}
			c.want.Status, c.want.RequestID = c.status, id
			if c.want.Violations == nil {
				c.want.Violations = []apierror.Violation{}
			}
			have, _ := json.MarshalIndent(body.Error, "", " ")
			want, _ := json.MarshalIndent(c.want, "", " ")
			if got.status != c.status || string(have) != string(want) {
				t.Errorf("status %d\n%s\nwant %d\n%s", got.status, have, c.status, want)
			}
		})
	}
}

// The JSON of an error is an interface: clients parse it.
func TestErrorGolden(t *testing.T) {
	s := start(t, nil)
	got := s.call("POST", "/api/v1/endpoints", `{"traffic_policy":"wrong"}`)
	want := `{"error":{"code":"INVALID_ARGUMENT","reason":"INVALID_ARGUMENT","message":"the policy has 1 problem","status":400,` +
		`"violations":[{"field":"on_http_request[0].actions[0].type","message":"there is no action \"denny\"","hint":"did you mean deny?","line":3,"column":11,"code":"SLUICE_2203"}],` +
		`"request_id":"` + got.header.Get("X-Request-Id") + `"}}` + "\n"
	if got.body != want {
		t.Errorf("got  %s\nwant %s", got.body, want)
	}
}

func TestLargeBody(t *testing.T) {
	s := start(t, nil)
	got := s.call("POST", "/api/v1/endpoints", `{"metadata":"`+strings.Repeat("x", 25<<20)+`"}`, "Expect: 100-continue")
	if got.status != http.StatusRequestEntityTooLarge || !strings.Contains(got.body, "TOO_LARGE") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestOpenAPIIsServed(t *testing.T) {
	s := start(t, nil)
	var doc struct{ Paths map[string]any }
	s.call("GET", "/api/v1/openapi.json", "").decode(t, &doc)
	if doc.Paths["/api/v1/endpoints/{id}"] == nil {
		t.Error("endpoints are missing")
	}
}

func TestHealth(t *testing.T) {
	s := start(t, nil)
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := s.call("GET", path, ""); got.status != http.StatusOK || !strings.Contains(got.body, `"ok"`) {
			t.Errorf("%s: %+v", path, got)
		}
	}
}
