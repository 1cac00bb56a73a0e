package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"

	"sluice.dev/gateway/internal/api"
	"sluice.dev/gateway/internal/apierror"
	"sluice.dev/platform/errs"
)

// routes finds the method of a matched route.
type routes struct {
	byRoute map[string]api.Method
	all     []api.Method
}

func newRoutes(methods []api.Method) *routes {
	r := &routes{byRoute: map[string]api.Method{}, all: methods}
	for _, m := range methods {
		// gRPC-Gateway prints the pattern /endpoints/{id} as /endpoints/{id=*}.
		r.byRoute[m.Verb+" "+strings.ReplaceAll(m.Pattern, "}", "=*}")] = m
	}
	return r
}

// of returns the method that the mux matched r to.
func (t *routes) of(r *http.Request) (api.Method, error) {
	pattern, _ := runtime.HTTPPattern(r.Context())
	m, ok := t.byRoute[r.Method+" "+pattern.String()]
	if !ok {
		return m, errs.NotFound("route", r.Method+" "+r.URL.Path)
	}
	return m, nil
}

// unroutable answers requests that match no route.
func (t *routes) unroutable(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, status int) {
	switch status {
	case http.StatusMethodNotAllowed:
		allowed := strings.Join(t.allowed(r.URL.Path), ", ")
		w.Header().Set("Allow", allowed)
		apierror.Write(w, errs.New(codes.Unimplemented, apierror.ReasonMethod, "%s does not take %s; it takes %s", r.URL.Path, r.Method, allowed))
	case http.StatusBadRequest:
		apierror.Write(w, errs.Invalid("the path of the request is not valid"))
	default:
		apierror.Write(w, errs.New(codes.NotFound, errs.ReasonNotFound, "there is nothing at %s; /api/v1/openapi.json lists what there is", r.URL.Path))
	}
}

// allowed are the verbs that a path takes (RFC 9110 section 15.5.6).
func (t *routes) allowed(path string) []string {
	var out []string
	for _, m := range t.all {
		if matches(m.Pattern, path) && !slices.Contains(out, m.Verb) {
			out = append(out, m.Verb)
		}
	}
	slices.Sort(out)
	return out
}

func matches(pattern, path string) bool {
	pattern, verb, _ := strings.Cut(pattern, ":")
	if verb != "" {
		var ok bool
		if path, ok = strings.CutSuffix(path, ":"+verb); !ok {
			return false
		}
	}
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool {
		return w == g || strings.HasPrefix(w, "{") && g != ""
	})
}
