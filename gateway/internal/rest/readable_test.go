package rest

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sluice.dev/platform/errs"
)

func TestReadable(t *testing.T) {
	for text, want := range map[string]errs.Violation{
		"proto: (line 3:7): unknown field \"uri\"":                        {Field: "uri", Message: "unknown field", Line: 3, Column: 7},
		"proto:\u00a0(line 3:7): unknown field \"uri\"":                   {Field: "uri", Message: "unknown field", Line: 3, Column: 7},
		"proto: syntax error (line 1:4): unexpected token }":              {Message: "unexpected token }", Line: 1, Column: 4},
		"proto:\u00a0syntax error\u00a0(line 1:4): unexpected token }":    {Message: "unexpected token }", Line: 1, Column: 4},
		"proto: (line 1:8): invalid value for string field url: 7":        {Field: "url", Message: "invalid value for string field url: 7", Line: 1, Column: 8},
		"parsing field \"limit\": strconv.ParseInt: parsing \"x\": wrong": {Field: "limit", Message: "\"x\": wrong"},
	} {
		e := errs.As(readable(status.Error(codes.InvalidArgument, text)))
		if e == nil || len(e.Violations) != 1 || e.Violations[0] != want {
			t.Errorf("%q became %+v, want %+v", text, e, want)
		}
	}
}

func TestReadableKeepsWhatServicesSay(t *testing.T) {
	own := errs.NotFound("endpoint", "ep_1")
	if got := readable(own); !errors.Is(got, own) {
		t.Errorf("got %v", got)
	}
	away := status.Error(codes.Unavailable, "proto: (line 1:1): not about the body")
	if got := readable(away); !errors.Is(got, away) {
		t.Errorf("got %v", got)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/api/v1/endpoints/{id}", "/api/v1/endpoints/ep_1", true},
		{"/api/v1/endpoints/{id}", "/api/v1/endpoints/", false},
		{"/api/v1/endpoints/{id}", "/api/v1/endpoints/ep_1/x", false},
		{"/api/v1/exchanges/{id}:replay", "/api/v1/exchanges/ex_1:replay", true},
		{"/api/v1/exchanges/{id}:replay", "/api/v1/exchanges/ex_1", false},
		{"/api/v1/exchanges:tail", "/api/v1/exchanges:tail", true},
	} {
		if got := matches(c.pattern, c.path); got != c.want {
			t.Errorf("%s against %s: %v", c.pattern, c.path, got)
		}
	}
}
