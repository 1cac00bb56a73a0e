package endpoint

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
)

func TestCheckUpstream(t *testing.T) {
	for doc, want := range map[string]string{ // field: text; empty: nothing is wrong
		`{"url": "8080"}`: "",
		`{"targets": [{"url": "a.test"}, {"url": "b.test", "weight": 3}], "outlier_detection": {}, "retry": {"attempts": 2}}`:                       "",
		`{"targets": [{"url": "8081"}], "health_check": {"path": "/healthz?full=1", "interval": "1s", "expected_statuses": ["200", "2xx", "3XX"]}}`: "",
		`{"url": "8080", "timeouts": {"connect": "0.25s", "first_byte": "1s", "idle": "3600s"}, "protocol": "UPSTREAM_PROTOCOL_HTTP2"}`:             "",
		`{"tls_skip_verify": true}`:                                                        "upstream.url: is empty",
		`{"max_requests": 3}`:                                                              "upstream.url: is empty",
		`{"url": "a.test", "targets": [{"url": "b.test"}]}`:                                "upstream.targets: an upstream has a url or targets",
		`{"targets": [{"url": "a.test"}, {"url": "ftp://b.test"}]}`:                        "upstream.targets[1].url: the scheme",
		`{"targets": [{"url": "a.test"}, {"url": "http://A.test:80/"}]}`:                   "upstream.targets[1].url: http://a.test is target 0 already",
		`{"url": "a.test", "outlier_detection": {}}`:                                       "upstream.outlier_detection: needs targets",
		`{"targets": [{"url": "a.test"}], "outlier_detection": {"ejection_time": "600s"}}`: "upstream.outlier_detection.ejection_time: 10m0s is not from 1s to 5m0s",
		`{"url": "a.test", "health_check": {"path": "healthz"}}`:                           "upstream.health_check.path: \"healthz\" is not a path",
		`{"url": "a.test", "health_check": {"path": "/a b"}}`:                              "upstream.health_check.path:",
		`{"url": "a.test", "health_check": {"interval": "0.5s"}}`:                          "upstream.health_check.interval: 500ms is not from 1s to 1h0m0s",
		`{"url": "a.test", "health_check": {"timeout": "-1s"}}`:                            "upstream.health_check.timeout:",
		`{"url": "a.test", "health_check": {"host": "a b"}}`:                               "upstream.health_check.host:",
		`{"url": "a.test", "health_check": {"expected_statuses": ["200", "ok"]}}`:          "upstream.health_check.expected_statuses[1]: \"ok\" is neither",
		`{"url": "a.test", "health_check": {"expected_statuses": ["6xx"]}}`:                "upstream.health_check.expected_statuses[0]:",
		`{"url": "a.test", "retry": {"statuses": [503, 200]}}`:                             "upstream.retry.statuses[1]: 200 is not a failure",
		`{"url": "a.test", "retry": {"methods": ["GET POST"]}}`:                            "upstream.retry.methods[0]:",
		`{"url": "a.test", "timeouts": {"connect": "0s"}}`:                                 "upstream.timeouts.connect: 0s is not from 1ms to 5m0s",
		`{"url": "a.test", "timeouts": {"first_byte": "100000s"}}`:                         "upstream.timeouts.first_byte:",
		`{"url": "a.test", "timeouts": {"idle": "-1s"}}`:                                   "upstream.timeouts.idle:",
	} {
		u := &policyv1.Upstream{}
		if err := protojson.Unmarshal([]byte(doc), u); err != nil {
			t.Fatal(doc, err)
		}
		err := check(&policyv1.Endpoint{Url: "https://a.example", Upstream: u})
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", doc, err)
			}
			continue
		}
		e := errs.As(err)
		if e == nil || len(e.Violations) != 1 || !strings.HasPrefix(e.Violations[0].Field+": "+e.Violations[0].Message, want) || e.Violations[0].Hint == "" {
			t.Errorf("%s: %v, want %s", doc, err, want)
		}
	}
}

func TestCheckUpstreamNormalises(t *testing.T) {
	e := &policyv1.Endpoint{Url: "a.example", Upstream: &policyv1.Upstream{
		Targets: []*policyv1.UpstreamTarget{{Url: "8080"}, {Url: "HTTPS://B.test:443/v1/"}},
		Retry:   &policyv1.RetryPolicy{Methods: []string{"get"}},
	}}
	if err := check(e); err != nil {
		t.Fatal(err)
	}
	if u := e.Upstream; u.Targets[0].Url != "http://localhost:8080" || u.Targets[1].Url != "https://b.test/v1" || u.Retry.Methods[0] != "GET" {
		t.Errorf("%v", u)
	}
}

// TestNeedsCheckOfUpstream: every part of an upstream is looked at when it changes.
func TestNeedsCheckOfUpstream(t *testing.T) {
	old := &policyv1.Endpoint{Upstream: &policyv1.Upstream{Url: "http://a.test"}}
	changed := &policyv1.Endpoint{Upstream: &policyv1.Upstream{Url: "http://a.test", Timeouts: &policyv1.UpstreamTimeouts{Idle: durationpb.New(time.Second)}}}
	if needsCheck(old, old) || !needsCheck(old, changed) {
		t.Errorf("%t %t", needsCheck(old, old), needsCheck(old, changed))
	}
}
