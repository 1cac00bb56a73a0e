package terminal

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

func TestDetail(t *testing.T) {
	var out strings.Builder
	Printer{w: &out}.Detail(&capturev1.Exchange{
		Id: "ex_1", Route: "/chat/{id}",
		Connection: &capturev1.Connection{ClientIp: "203.0.113.9", ClientPort: 5, Geo: &capturev1.Geo{City: "Bern\x1b[2J", CountryCode: "CH"}},
		Request:    &capturev1.Request{Method: "GET", Url: "https://a.example/chat/7", HttpVersion: "HTTP/1.1"},
		Response:   &capturev1.Response{StatusCode: 101},
		Timings: &capturev1.Timings{
			Duration: durationpb.New(time.Second), Connect: durationpb.New(2 * time.Millisecond),
		},
		Upstream: &capturev1.UpstreamCall{Address: "10.0.0.2:80", HttpVersion: "HTTP/1.1", FailedAttempts: []*capturev1.UpstreamAttempt{
			{Address: "10.0.0.1:80", Duration: durationpb.New(time.Millisecond), StatusCode: 503},
		}},
		Messages: []*capturev1.Message{
			{Direction: capturev1.Message_DIRECTION_CLIENT_TO_SERVER, Kind: capturev1.Message_KIND_TEXT, Content: []byte("hello"), Size: 5},
			{Direction: capturev1.Message_DIRECTION_SERVER_TO_CLIENT, Kind: capturev1.Message_KIND_BINARY, Content: []byte{0xff}, Size: 1, Offset: durationpb.New(time.Millisecond)},
		},
		OmittedMessages: 3,
		PolicyTrace: &capturev1.PolicyTrace{Phases: []*capturev1.PolicyPhaseTrace{
			{Phase: "on_http_request", Duration: durationpb.New(2 * time.Millisecond), Rules: []*capturev1.PolicyRuleTrace{
				{Name: "elsewhere", FalseExpression: "false"},
				{Index: 1, Matched: true, Actions: []*capturev1.PolicyActionTrace{{Type: "forward-internal", Outcome: capturev1.PolicyActionTrace_OUTCOME_DECIDED}}},
			}},
			{Phase: "on_http_request", EndpointUrl: "https://users.internal", Duration: durationpb.New(time.Millisecond), Rules: []*capturev1.PolicyRuleTrace{
				{Name: "limits", Matched: true, Error: "no\x1bkey", Actions: []*capturev1.PolicyActionTrace{
					{Type: "log", Outcome: capturev1.PolicyActionTrace_OUTCOME_CONTINUED}, {Type: "rate-limit", Outcome: capturev1.PolicyActionTrace_OUTCOME_FAILED},
				}},
			}},
		}},
	})
	for _, want := range []string{
		"route        /chat/{id}", "203.0.113.9:5 (Bern·[2J, CH)", "duration     1.00s, connect 2.0ms",
		"tried        10.0.0.1:80 for 1.0ms: status 503", "upstream     10.0.0.2:80 HTTP/1.1",
		"policy       on_http_request, 2.0ms\n", "  [1]: forward-internal decided\n",
		"policy       on_http_request of https://users.internal, 1.0ms\n", "  limits: log continued, rate-limit failed (no·key)\n",
		"→ text   hello", "← binary (1 bytes)", "3 more messages",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing from\n%s", want, out.String())
		}
	}
}
