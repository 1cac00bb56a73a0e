package mask_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/services/policy/internal/mask"
)

var fields = mask.Fields{
	Mutable: []protoreflect.Name{"url", "name", "upstream"},
	Server:  []protoreflect.Name{"id", "revision"},
}

func before() *policyv1.Endpoint {
	return &policyv1.Endpoint{Id: "ep_1", Url: "https://a", Name: "n", Upstream: &policyv1.Upstream{Url: "http://u", TlsSkipVerify: true}}
}

func TestApply(t *testing.T) {
	for name, c := range map[string]struct {
		src   *policyv1.Endpoint
		paths []string
		want  func(*policyv1.Endpoint)
	}{
		"sets what is named only": {&policyv1.Endpoint{Name: "x", Url: "ignored"}, []string{"name"}, func(e *policyv1.Endpoint) { e.Name = "x" }},
		"clears what is absent":   {&policyv1.Endpoint{}, []string{"name"}, func(e *policyv1.Endpoint) { e.Name = "" }},
		"replaces a message":      {&policyv1.Endpoint{Upstream: &policyv1.Upstream{Url: "http://v"}}, []string{"upstream"}, func(e *policyv1.Endpoint) { e.Upstream = &policyv1.Upstream{Url: "http://v"} }},
		"removes a message":       {&policyv1.Endpoint{}, []string{"upstream"}, func(e *policyv1.Endpoint) { e.Upstream = nil }},
		"sets inside a message":   {&policyv1.Endpoint{Upstream: &policyv1.Upstream{Url: "http://v"}}, []string{"upstream.url"}, func(e *policyv1.Endpoint) { e.Upstream.Url = "http://v" }},
		"clears inside a message": {&policyv1.Endpoint{}, []string{"upstream.tls_skip_verify"}, func(e *policyv1.Endpoint) { e.Upstream.TlsSkipVerify = false }},
		"passes over server's":    {&policyv1.Endpoint{Id: "ep_2", Name: "x"}, []string{"id", "revision", "name"}, func(e *policyv1.Endpoint) { e.Name = "x" }},
		"takes all":               {&policyv1.Endpoint{Id: "ep_2", Name: "x"}, []string{"*"}, func(e *policyv1.Endpoint) { e.Name, e.Url, e.Upstream = "x", "", nil }},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := before(), before()
			c.want(want)
			if err := fields.Apply(got, c.src, &fieldmaskpb.FieldMask{Paths: c.paths}); err != nil || !proto.Equal(got, want) {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestApplyMakesTheMessageThatIsMissing(t *testing.T) {
	got := &policyv1.Endpoint{}
	err := fields.Apply(got, before(), &fieldmaskpb.FieldMask{Paths: []string{"upstream.url"}})
	if err != nil || got.GetUpstream().GetUrl() != "http://u" || got.GetUpstream().GetTlsSkipVerify() {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, path := range []string{"nam", "upstream.ulr", "url.x", "upstream.url.x", "metadata", "", "upstream."} {
		err := fields.Apply(&policyv1.Endpoint{}, &policyv1.Endpoint{}, &fieldmaskpb.FieldMask{Paths: []string{path}})
		if !errs.Is(err, errs.ReasonUnknownField) {
			t.Errorf("path %q: %v", path, err)
		}
	}
	for _, m := range []*fieldmaskpb.FieldMask{nil, {}, {Paths: []string{"id"}}} {
		if err := fields.Apply(before(), before(), m); !errs.Is(err, errs.ReasonInvalid) {
			t.Errorf("mask %v: %v", m, err)
		}
	}
}
