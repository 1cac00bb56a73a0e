package routes

import (
	"testing"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

func TestRules(t *testing.T) {
	set := newRuleSet([]*capturev1.RouteRule{
		{Template: "/users/{id}"}, {Template: "/users/me"}, {Template: "/files/{path...}"}, {Template: "/files/{name}/meta"},
		{EndpointId: "ep_1", Template: "/users/{name}"}, {EndpointId: "ep_1", Template: "/{all...}"}, {Template: "/"},
	})
	for _, tt := range []struct{ endpoint, path, want string }{
		{"ep_2", "/users/8", "/users/{id}"},
		{"ep_2", "/users/8/", "/users/{id}"},
		{"ep_2", "/users/me", "/users/me"},
		{"ep_1", "/users/8", "/users/{name}"},
		{"ep_1", "/users/me", "/users/me"},
		{"ep_2", "/users", ""},
		{"ep_2", "/users/8/orders", ""},
		{"ep_2", "/files/a/b/c", "/files/{path...}"},
		{"ep_2", "/files/a/meta", "/files/{name}/meta"},
		{"ep_2", "/files/", ""},
		{"ep_2", "/files//a", "/files/{path...}"},
		{"ep_2", "/", "/"},
		{"ep_1", "/anything/else", "/{all...}"},
		{"ep_2", "/anything/else", ""},
	} {
		if got, _ := set.match(tt.endpoint, tt.path); got != tt.want {
			t.Errorf("%s of %s matches %q, want %q", tt.path, tt.endpoint, got, tt.want)
		}
	}
}

func TestRulesAreChecked(t *testing.T) {
	for template, right := range map[string]bool{
		"/": true, "/a": true, "/a/{b}": true, "/{b...}": true, "/a/{b_2}/c/{d...}": true,
		"/a//b": false, "/a/": false, "/{b...}/c": false, "/a{b}": false, "/{}": false, "/{b": false, "/b}": false, "/{a b}": false,
	} {
		_, err := parseRule(&capturev1.RouteRule{Template: template})
		if (err == nil) != right || err != nil && !errs.Is(err, errs.ReasonInvalid) {
			t.Errorf("%s: %v", template, err)
		}
	}
}
