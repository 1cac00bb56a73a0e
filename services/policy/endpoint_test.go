package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/testenv"
)

const limitPolicy = `on_http_request:
  - actions:
      - type: rate-limit
        config:
          name: per-host
          algorithm: sliding_window
          capacity: 5
          rate: 60s
          bucket_key: [conn.client_ip]
`

const denyPolicy = "on_http_request:\n  - actions:\n      - type: deny\n"

func upstream(url string) *policyv1.Upstream { return &policyv1.Upstream{Url: url} }

func TestEndpointLifeCycle(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	ctx := within(t)
	made := r.create(t, &policyv1.Endpoint{Id: "ep_mine", Url: "API.example.com", Upstream: upstream("8080"), TrafficPolicy: limitPolicy, Revision: 99})
	if !id.Endpoint.Valid(made.Id) || made.Url != "https://api.example.com" || made.Name != "api.example.com" ||
		made.Upstream.Url != "http://localhost:8080" || made.Revision != 1 || made.CreatedAt == nil || made.UpdatedAt == nil {
		t.Errorf("created %v", made)
	}
	got, err := r.endpoints().GetEndpoint(ctx, &policyv1.GetEndpointRequest{Id: made.Id})
	if err != nil || !proto.Equal(got.GetEndpoint(), made) {
		t.Errorf("got %v, %v", got, err)
	}

	changed, err := r.endpoints().UpdateEndpoint(ctx, &policyv1.UpdateEndpointRequest{
		Endpoint:   &policyv1.Endpoint{Id: made.Id, Description: "the shop", Url: "not.this"},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}},
	})
	if e := changed.GetEndpoint(); err != nil || e.GetDescription() != "the shop" || e.GetUrl() != made.Url || e.GetRevision() != 2 || e.GetTrafficPolicy() != limitPolicy {
		t.Errorf("changed to %v, %v", e, err)
	}

	if _, err := r.endpoints().DeleteEndpoint(ctx, &policyv1.DeleteEndpointRequest{Id: made.Id}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.endpoints().GetEndpoint(ctx, &policyv1.GetEndpointRequest{Id: made.Id}); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("after the deletion: %v", err)
	}
}

func TestEndpointList(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	for i := range 3 {
		r.create(t, &policyv1.Endpoint{Url: fmt.Sprintf("a%d.example", i), Upstream: upstream("1")})
	}
	first, err := r.endpoints().ListEndpoints(within(t), &policyv1.ListEndpointsRequest{Limit: 2})
	if err != nil || len(first.Endpoints) != 2 || first.Endpoints[0].Name != "a2.example" || first.NextCursor == "" {
		t.Fatalf("got %v, %v", first, err)
	}
	second, err := r.endpoints().ListEndpoints(within(t), &policyv1.ListEndpointsRequest{Limit: 2, Cursor: first.NextCursor})
	if err != nil || len(second.Endpoints) != 1 || second.Endpoints[0].Name != "a0.example" || second.NextCursor != "" {
		t.Errorf("got %v, %v", second, err)
	}
}

func TestEndpointURLIsUnique(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	r.create(t, &policyv1.Endpoint{Url: "https://a.example", Upstream: upstream("1")})
	_, err := r.endpoints().CreateEndpoint(within(t), &policyv1.CreateEndpointRequest{Endpoint: &policyv1.Endpoint{Url: "A.example:443/", Upstream: upstream("2")}})
	if e := errs.As(err); e == nil || e.Code != codes.AlreadyExists || e.Violations[0].Field != "url" {
		t.Errorf("got %v", err)
	}
}

func TestEndpointFaults(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	for name, c := range map[string]struct {
		endpoint *policyv1.Endpoint
		fields   string
	}{
		"no url":                    {&policyv1.Endpoint{Upstream: upstream("1")}, "url"},
		"bad upstream":              {&policyv1.Endpoint{Url: "a.example", Upstream: upstream("ftp://x")}, "upstream.url"},
		"everything at once":        {&policyv1.Endpoint{Url: "tcp://a", Upstream: upstream("http://a b"), TrafficPolicy: "x: 1"}, "url upstream.url traffic_policy"},
		"neither upstream nor end":  {&policyv1.Endpoint{Url: "a.example"}, "traffic_policy:SLUICE_2235"},
		"a policy that may not end": {&policyv1.Endpoint{Url: "a.example", TrafficPolicy: limitPolicy}, "traffic_policy:SLUICE_2235"},
		"an empty upstream":         {&policyv1.Endpoint{Url: "a.example", Upstream: &policyv1.Upstream{}, TrafficPolicy: limitPolicy}, "traffic_policy:SLUICE_2235"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.endpoints().CreateEndpoint(within(t), &policyv1.CreateEndpointRequest{Endpoint: c.endpoint})
			e := errs.As(err)
			if e == nil || e.Code != codes.InvalidArgument {
				t.Fatalf("got %v", err)
			}
			for i, want := range strings.Fields(c.fields) {
				field, code, _ := strings.Cut(want, ":")
				if i >= len(e.Violations) || e.Violations[i].Field != field || code != "" && e.Violations[i].Code != code {
					t.Errorf("violations %+v, want %s", e.Violations, c.fields)
				}
			}
		})
	}
	if list, err := r.endpoints().ListEndpoints(within(t), &policyv1.ListEndpointsRequest{}); err != nil || len(list.Endpoints) != 0 {
		t.Errorf("refused endpoints were stored: %v, %v", list, err)
	}
}

func TestTerminatingPolicyNeedsNoUpstream(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	made := r.create(t, &policyv1.Endpoint{Url: "a.example", TrafficPolicy: denyPolicy})
	_, err := r.endpoints().UpdateEndpoint(within(t), &policyv1.UpdateEndpointRequest{
		Endpoint: &policyv1.Endpoint{Id: made.Id}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"traffic_policy"}},
	})
	if e := errs.As(err); e == nil || e.Violations[0].Code != "SLUICE_2235" {
		t.Errorf("the policy could be taken away: %v", err)
	}
}

func TestBadPolicyChangesNothing(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	made := r.create(t, &policyv1.Endpoint{Url: "a.example", Upstream: upstream("1"), TrafficPolicy: limitPolicy})
	bad := strings.Replace(strings.Replace(limitPolicy, "60s", "61s", 1), "capacity: 5", "capacty: 5", 1)
	_, err := r.endpoints().UpdateEndpoint(within(t), &policyv1.UpdateEndpointRequest{
		Endpoint:   &policyv1.Endpoint{Id: made.Id, TrafficPolicy: bad, Description: "new"},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"traffic_policy", "description"}},
	})
	e := errs.As(err)
	if e == nil || e.Code != codes.InvalidArgument || len(e.Violations) < 2 {
		t.Fatalf("got %v", err)
	}
	for _, v := range e.Violations {
		if v.Field != "traffic_policy" || v.Line == 0 || v.Column == 0 || !strings.HasPrefix(v.Code, "SLUICE_") {
			t.Errorf("violation %+v", v)
		}
	}
	got, err := r.endpoints().GetEndpoint(within(t), &policyv1.GetEndpointRequest{Id: made.Id})
	if err != nil || !proto.Equal(got.GetEndpoint(), made) {
		t.Errorf("the endpoint is now %v, %v", got, err)
	}
}

func TestUpdateMaskFaults(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	made := r.create(t, &policyv1.Endpoint{Url: "a.example", Upstream: upstream("1")})
	for _, paths := range [][]string{nil, {"upstream.port"}} {
		_, err := r.endpoints().UpdateEndpoint(within(t), &policyv1.UpdateEndpointRequest{
			Endpoint: &policyv1.Endpoint{Id: made.Id}, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
		})
		if e := errs.As(err); e == nil || e.Code != codes.InvalidArgument || len(paths) > 0 && !strings.Contains(e.Message, paths[0]) {
			t.Errorf("mask %v: %v", paths, err)
		}
	}
	if _, err := r.endpoints().UpdateEndpoint(within(t), &policyv1.UpdateEndpointRequest{
		Endpoint: &policyv1.Endpoint{Id: "ep_none", Name: "x"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}},
	}); !errs.Is(err, errs.ReasonNotFound) {
		t.Errorf("unknown endpoint: %v", err)
	}
}

func TestValidatePolicy(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	client := policyv1.NewTrafficPolicyServiceClient(r)
	good, err := client.ValidatePolicy(within(t), &policyv1.ValidatePolicyRequest{TrafficPolicy: limitPolicy})
	if err != nil || !good.Valid {
		t.Errorf("got %v, %v", good, err)
	}
	bad, err := client.ValidatePolicy(within(t), &policyv1.ValidatePolicyRequest{TrafficPolicy: limitPolicy, RequireTerminating: true})
	if err != nil || bad.Valid || bad.Problems[0].Code != "SLUICE_2235" || bad.Problems[0].Severity != policyv1.PolicyProblem_SEVERITY_ERROR {
		t.Errorf("got %v, %v", bad, err)
	}
}
