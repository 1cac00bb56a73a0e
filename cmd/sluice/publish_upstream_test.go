package main

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

func TestUpstreamFlags(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string // "": refused
	}{
		"one":   {[]string{"8080"}, `{"url": "8080", "balancing": "BALANCING_ROUND_ROBIN"}`},
		"a few": {[]string{"8080", "localhost:8081", "--upstream-weight", "3,1", "--upstream-balancing", "least_requests"}, `{"targets": [{"url": "8080", "weight": 3}, {"url": "localhost:8081", "weight": 1}], "balancing": "BALANCING_LEAST_REQUESTS"}`},
		"all": {
			[]string{"8080", "8081", "--upstream-protocol=http2", "--upstream-health-check=/healthz", "--upstream-outlier-detection", "--upstream-retries=2", "--upstream-max-requests=50", "--upstream-tls-skip-verify", "--upstream-balancing=client_address"},
			`{"targets": [{"url": "8080"}, {"url": "8081"}], "balancing": "BALANCING_CLIENT_ADDRESS", "protocol": "UPSTREAM_PROTOCOL_HTTP2", "health_check": {"path": "/healthz"}, "outlier_detection": {}, "retry": {"attempts": 2}, "max_requests": 50, "tls_skip_verify": true}`,
		},
		"a weight is missing": {[]string{"8080", "8081", "--upstream-weight=3"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			line := &commandLine{}
			parser, err := newParser(t.Context(), line)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(append([]string{"http", "--url", "https://a.localhost"}, tt.args...)); err != nil {
				t.Fatal(err)
			}
			got, err := line.HTTP.upstream()
			if tt.want == "" {
				if err == nil {
					t.Errorf("got %v", got)
				}
				return
			}
			want := &policyv1.Upstream{}
			if err := protojson.Unmarshal([]byte(tt.want), want); err != nil {
				t.Fatal(err)
			}
			if err != nil || !proto.Equal(got, want) {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
		})
	}
}
