// Package sample makes exchanges for tests: complete ones that use every field,
// and many different plain ones from a seed.
package sample

import (
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/id"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Full returns an exchange that uses every field, received at t.
func Full(t time.Time) *capturev1.Exchange {
	return &capturev1.Exchange{
		Id: id.Exchange.At(t), EndpointId: "ep_1", EndpointName: "shop", EndpointUrl: "https://shop.example",
		StartTime: timestamppb.New(t),
		Connection: &capturev1.Connection{
			ClientIp: "203.0.113.9", ClientPort: 51234, ServerIp: "2001:db8::1", ServerPort: 443,
			StartTime: timestamppb.New(t.Add(-3 * time.Millisecond)), BytesIn: 1234, BytesOut: 98765,
			Tls: &capturev1.Tls{Version: "1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ServerName: "Shop.example", NegotiatedProtocol: "h2", Resumed: true,
				Ja4Fingerprint: "t13d1516h2_8daaf6152771_02713d6af862", ClientCertificate: &capturev1.ClientCertificate{
					Subject: "CN=ada", Issuer: "CN=ca", SerialNumber: "1f", Fingerprint: "ab12", NotAfter: timestamppb.New(t.Add(time.Hour)),
				}},
			Geo: &capturev1.Geo{
				CountryCode: "CH", Country: "Switzerland", ContinentCode: "EU", City: "Zürich", SubdivisionCode: "ZH",
				Latitude: 47.37, Longitude: 8.54, Asn: 559, AsOrganization: "SWITCH",
			},
		},
		Request: &capturev1.Request{
			Method: "pAtCh", Scheme: "https", Host: "Shop.Example:8443", Path: "/a b/ü", Query: "x=1&y=%20&x=2",
			Url: "https://Shop.Example:8443/a%20b/%C3%BC?x=1&y=%20&x=2", HttpVersion: "HTTP/1.1",
			Headers: []*capturev1.Header{
				{Name: "X-B", Value: "1"}, {Name: "accept", Value: "*/*"}, {Name: "x-b", Value: ""},
				{Name: "Authorization", Value: "[redacted]", RedactedBy: "headers"}, {Name: "X-B", Value: "tab\tquote'\\"},
				{Name: "User-Agent", Value: "curl/8"},
			},
			Body:     &capturev1.Body{Content: []byte{0, 1, 0xff, '\n', '\'', '\\', 0x80}, Size: 9000, Truncated: true, StoredSize: 7},
			Trailers: []*capturev1.Header{{Name: "Digest", Value: "a=b"}, {Name: "Secret", Value: "x", RedactedBy: "r"}},
		},
		Response: &capturev1.Response{
			StatusCode: 207,
			Headers:    []*capturev1.Header{{Name: "Set-Cookie", Value: "a=1"}, {Name: "set-cookie", Value: "b=2"}},
			Body:       &capturev1.Body{Content: []byte("ok"), Size: 2, DecodedSize: 5, StoredSize: 2},
			Trailers:   []*capturev1.Header{{Name: "Grpc-Status", Value: "0"}},
		},
		Timings: &capturev1.Timings{
			Duration: durationpb.New(123456789), Policy: durationpb.New(1001),
			Upstream: durationpb.New(100 * time.Millisecond), FirstByte: durationpb.New(0),
			Connect: durationpb.New(1002), TlsHandshake: durationpb.New(1003), UpstreamFirstByte: durationpb.New(1004),
			RequestReceived: durationpb.New(1005), UpstreamStart: durationpb.New(1006),
		},
		Upstream: &capturev1.UpstreamCall{
			Address: "10.0.0.7:8080", ConnectionReused: true, HttpVersion: "HTTP/2.0", FailedAttempts: []*capturev1.UpstreamAttempt{
				{Address: "10.0.0.6:8080", Offset: durationpb.New(7), Duration: durationpb.New(8), Error: "connection refused"},
				{Address: "10.0.0.8:8080", Offset: durationpb.New(9), Duration: durationpb.New(8), StatusCode: 503},
			},
		},
		Error: &capturev1.ExchangeError{Code: "SLUICE_3005", Message: "the upstream hung up"},
		Policy: &capturev1.PolicyResult{
			Revision: 77, Rule: "limit", Action: "rate-limit", RateLimitDecision: "allow", RateLimitBucket: "k",
			BasicAuthDecision: "deny", UserName: "ada", Logs: []string{`{"a":1}`, `{"b":"\n"}`},
			Decisions: map[string]string{"jwt": "allow", "compression": "gzip"},
		},
		ReplayOf: "ex_0", TraceId: "0af7651916cd43dd8448eb211c80319c", ProxyId: "px_1", FullCapture: true,
		Route: "/a b/{name}", KeptBy: "slow", OmittedMessages: 3,
		Messages: []*capturev1.Message{
			{Direction: capturev1.Message_DIRECTION_CLIENT_TO_SERVER, Kind: capturev1.Message_KIND_TEXT, Offset: durationpb.New(5), Content: []byte("hi"), Size: 2},
			{Direction: capturev1.Message_DIRECTION_SERVER_TO_CLIENT, Kind: capturev1.Message_KIND_BINARY, Offset: durationpb.New(6), Content: []byte{0}, Size: 9, Truncated: true, Compressed: true},
		},
		Redactions: []*capturev1.Redaction{
			{Part: capturev1.Redaction_PART_REQUEST_HEADER, Path: "authorization", Rule: "headers", Type: "string", Length: 20, Hash: "0123456789abcdef"},
			{Part: capturev1.Redaction_PART_RESPONSE_BODY, Path: "$.token", Rule: "json_password", Type: "number", Length: 2, Hash: "fedcba9876543210"},
		},
		PolicyTrace: &capturev1.PolicyTrace{Duration: durationpb.New(1001), Phases: []*capturev1.PolicyPhaseTrace{{
			Phase: "on_http_request", Duration: durationpb.New(1001), OmittedRules: 2, Rules: []*capturev1.PolicyRuleTrace{
				{FalseExpression: "req.method == 'ÄT'"},
				{Index: 1, Name: "limit", Matched: true, Actions: []*capturev1.PolicyActionTrace{{
					Type: "rate-limit", Outcome: capturev1.PolicyActionTrace_OUTCOME_DECIDED, Duration: durationpb.New(900), Results: `{"limited":true}`,
				}}},
			},
		}}},
	}
}

// Bare returns an exchange of which the proxy knew next to nothing: the client
// went away. It is in the form in which it is read back.
func Bare(t time.Time) *capturev1.Exchange {
	return &capturev1.Exchange{
		Id: id.Exchange.At(t), StartTime: timestamppb.New(t),
		Connection: &capturev1.Connection{},
		Request:    &capturev1.Request{Body: &capturev1.Body{}},
		Timings:    &capturev1.Timings{Duration: durationpb.New(0), Policy: durationpb.New(0)},
	}
}

var (
	methods  = []string{"GET", "GET", "GET", "POST", "DELETE"}
	paths    = []string{"/", "/api/users", "/api/orders", "/health"}
	statuses = []uint32{200, 200, 200, 201, 404, 429, 500, 503}
)

// Some returns n plain exchanges of about 1.2 KB, one each step from t on.
func Some(seed uint64, n int, t time.Time, step time.Duration) []*capturev1.Exchange {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable, not secret
	all := make([]*capturev1.Exchange, n)
	for i := range all {
		all[i] = plain(r, t.Add(time.Duration(i)*step))
	}
	return all
}

func plain(r *rand.Rand, t time.Time) *capturev1.Exchange {
	e, path := Bare(t), paths[r.IntN(len(paths))]
	e.EndpointId, e.EndpointName, e.EndpointUrl, e.ProxyId = "ep_1", "shop", "https://shop.example", "px_1"
	e.Connection = &capturev1.Connection{
		ClientIp: fmt.Sprintf("203.0.113.%d", r.IntN(20)), ClientPort: 1024 + r.Uint32N(60000), ServerIp: "192.0.2.1", ServerPort: 443,
		BytesIn: 400 + r.Uint64N(100), BytesOut: 600 + r.Uint64N(1000),
	}
	e.Request = &capturev1.Request{
		Method: methods[r.IntN(len(methods))], Scheme: "https", Host: "shop.example", Path: path,
		Query: fmt.Sprintf("page=%d", r.IntN(50)), Url: "https://shop.example" + path, HttpVersion: "HTTP/1.1",
		Headers: []*capturev1.Header{
			{Name: "Host", Value: "shop.example"}, {Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"},
			{Name: "Accept", Value: "application/json"}, {Name: "Accept-Encoding", Value: "gzip, br"},
			{Name: "X-Request-Id", Value: fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())},
		},
		Body: &capturev1.Body{},
	}
	body := fmt.Appendf(nil, `{"id":%d,"token":"%x","items":[`, r.Uint64(), r.Uint64())
	for range 12 {
		body = fmt.Appendf(body, `{"sku":"%08x","qty":%d},`, r.Uint32(), r.IntN(9))
	}
	e.Response = &capturev1.Response{
		StatusCode: statuses[r.IntN(len(statuses))],
		Headers:    []*capturev1.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "Date", Value: t.Format(time.RFC1123)}},
		Body:       &capturev1.Body{Content: body, Size: uint64(len(body)), StoredSize: uint64(len(body))},
	}
	took := time.Duration(r.ExpFloat64() * float64(20*time.Millisecond))
	e.Timings = &capturev1.Timings{Duration: durationpb.New(took), Policy: durationpb.New(1000), Upstream: durationpb.New(took / 2), FirstByte: durationpb.New(took / 3)}
	return e
}
