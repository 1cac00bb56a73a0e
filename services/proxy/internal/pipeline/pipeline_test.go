package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/pipeline"
	"sluice.dev/services/proxy/internal/upstream"
)

// seen is an upstream that shows what reached it.
type seen struct {
	request  *message.Request
	response func() *message.Response
}

func (s *seen) Do(_ context.Context, u *upstream.Upstream, req *message.Request, _ upstream.Caller) (*message.Response, upstream.Call, error) {
	s.request = req
	if s.response != nil {
		return s.response(), upstream.Call{Address: u.Targets()[0].Address}, nil
	}
	return message.NewResponse(200, nil, "from the upstream"), upstream.Call{Address: u.Targets()[0].Address}, nil
}

// taken is a client that shows what it was sent.
type taken struct {
	res  *message.Response
	body string
	fail error
}

func (c *taken) Informational(int, message.Header) error { return nil }

func (c *taken) Respond(res *message.Response, _ bool) error {
	b, err := io.ReadAll(res.Body)
	c.res, c.body = res, string(b)
	if err != nil {
		return &pipeline.BodyError{Cause: err}
	}
	return c.fail
}

func (c *taken) Upgrade(res *message.Response, _ io.ReadWriteCloser) error { c.res = res; return nil }

type result struct {
	keep   bool
	client *taken
	up     *seen
	record *capturev1.Exchange
}

// serve runs one request through a policy.
func serve(t *testing.T, policy string, cfg pipeline.Config, conn *message.Conn, req *message.Request, prepare ...func(*seen, *taken)) result {
	t.Helper()
	r := result{client: &taken{}, up: &seen{}}
	for _, f := range prepare {
		f(r.up, r.client)
	}
	doc := &policyv1.Endpoint{Id: "ep_1", Url: "https://api.test", Revision: 9, Upstream: &policyv1.Upstream{Url: "http://127.0.0.1:1"}, TrafficPolicy: policy}
	g, recorder, ledger := newGateway(t, doc, r.up, trafficpolicy.Services{RateLimiter: allow{}}, cfg, policyv1.CaptureMode_CAPTURE_MODE_FULL)
	r.keep = g.Serve(context.Background(), conn, req, r.client)
	records := recorded(t, recorder)
	if len(records) != 1 || ledger.Counts().Pending != 1 || g.Active() != 0 {
		t.Fatalf("%d records, %+v, %d active", len(records), ledger.Counts(), g.Active())
	}
	r.record = records[0]
	return r
}

func TestPolicyOutcomes(t *testing.T) {
	for name, tt := range map[string]struct {
		policy  string
		header  []string
		status  int // 0: the connection is closed
		code    string
		action  string
		reached bool
		body    string
		want    string // a response field
	}{
		"passes":            {"on_http_request: [{expressions: [\"req.method == 'POST'\"], actions: [{type: deny}]}]", nil, 200, "", "", true, "from the upstream", ""},
		"deny":              {"on_http_request: [{name: r, actions: [{type: deny, config: {status_code: 451}}]}]", nil, 451, "SLUICE_4403", "deny", false, "SLUICE_4403", ""},
		"custom":            {"on_http_request: [{actions: [{type: custom-response, config: {status_code: 418, body: tea}}]}]", nil, 418, "", "custom-response", false, "tea", ""},
		"redirect":          {"on_http_request: [{actions: [{type: redirect, config: {to: \"https://x.test/\", status_code: 302}}]}]", nil, 302, "", "redirect", false, "", "location: https://x.test/"},
		"basic auth":        {"on_http_request: [{actions: [{type: basic-auth, config: {credentials: [\"u:password1\"]}}]}]", nil, 401, "SLUICE_4401", "basic-auth", false, "SLUICE_4401", "www-authenticate"},
		"basic auth ok":     {"on_http_request: [{actions: [{type: basic-auth, config: {credentials: [\"u:password1\"]}}]}]", []string{"Authorization", "Basic dTpwYXNzd29yZDE="}, 200, "", "", true, "from the upstream", ""},
		"tcp connect":       {"on_tcp_connect: [{actions: [{type: deny}]}]", nil, 0, "", "deny", false, "", ""},
		"response header":   {"on_http_response: [{actions: [{type: add-headers, config: {headers: {x-a: b}}}]}]", nil, 200, "", "", true, "from the upstream", "x-a: b"},
		"response replaced": {"on_http_response: [{actions: [{type: custom-response, config: {status_code: 299, body: other}}]}]", nil, 299, "", "custom-response", true, "other", ""},
		"evaluation fails":  {"on_http_request: [{expressions: [\"int(req.headers['x-n'][0]) > 1\"], actions: [{type: deny}]}]", []string{"X-N", "nan"}, 500, "SLUICE_2253", "", false, "SLUICE_2253", ""},
		"own fields":        {"on_http_response: [{actions: [{type: remove-headers, config: {headers: [server]}}]}]", nil, 200, "", "", true, "from the upstream", "sluice-exchange-id: ex_"},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(tt.header...)
			if tt.header != nil {
				req.Header.Set(tt.header[0], tt.header[1])
			} else {
				req.Header.Del("authorization")
			}
			r := serve(t, tt.policy, pipeline.Config{}, connection("192.0.2.1:1000"), req)
			if tt.status == 0 {
				if r.keep || r.client.res != nil || r.record.GetResponse() != nil || r.record.GetPolicy().GetAction() != tt.action {
					t.Errorf("kept %t, sent %v, recorded %v", r.keep, r.client.res, r.record)
				}
				return
			}
			res := r.client.res
			if !r.keep || res.Status != tt.status || res.Header.Get("sluice-error-code") != tt.code || (r.up.request != nil) != tt.reached || !strings.Contains(r.client.body, tt.body) {
				t.Errorf("kept %t, %d %q %v, reached the upstream: %t", r.keep, res.Status, r.client.body, res.Header, r.up.request != nil)
			}
			if want := strings.ToLower(tt.want); !strings.Contains(strings.ToLower(fields(res.Header)), want) {
				t.Errorf("%q is not in %s", want, fields(res.Header))
			}
			e := r.record
			if e.GetResponse().GetStatusCode() != uint32(tt.status) || e.GetError().GetCode() != tt.code || e.GetPolicy().GetAction() != tt.action || e.GetPolicy().GetRevision() != 9 {
				t.Errorf("recorded %v", e)
			}
		})
	}
}

func fields(h message.Header) string {
	var b strings.Builder
	for _, f := range h {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	return b.String()
}

func TestBrowsersGetThePolicysRefusalAsAPage(t *testing.T) {
	r := serve(t, "on_http_request: [{actions: [{type: deny}]}]", pipeline.Config{}, connection("192.0.2.1:1"), request("Accept", "text/html"))
	if kind := r.client.res.Header.Values("content-type"); len(kind) != 1 || !strings.HasPrefix(kind[0], "text/html") || !strings.Contains(r.client.body, "SLUICE_4403") {
		t.Errorf("%v %s", kind, r.client.body)
	}
}

func TestForwardedFields(t *testing.T) {
	trusted := pipeline.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for name, tt := range map[string]struct {
		cfg                      pipeline.Config
		peer                     string
		sent                     []string
		client, xff, proto, host string
	}{
		"none sent":      {pipeline.Config{}, "192.0.2.1:1", nil, "192.0.2.1", "192.0.2.1", "https", "api.test"},
		"appended":       {pipeline.Config{}, "192.0.2.1:1", []string{"X-Forwarded-For", "1.1.1.1", "X-Forwarded-Proto", "http", "X-Forwarded-Host", "h"}, "192.0.2.1", "1.1.1.1, 192.0.2.1", "http, https", "h"},
		"replaced":       {pipeline.Config{DropForwarded: true}, "192.0.2.1:1", []string{"X-Forwarded-For", "1.1.1.1", "X-Forwarded-Host", "h"}, "192.0.2.1", "192.0.2.1", "https", "api.test"},
		"trusted":        {trusted, "10.0.0.9:1", []string{"X-Forwarded-For", "6.6.6.6, 1.1.1.1, 10.0.0.8"}, "1.1.1.1", "6.6.6.6, 1.1.1.1, 10.0.0.8, 10.0.0.9", "https", "api.test"},
		"not trusted":    {trusted, "192.0.2.1:1", []string{"X-Forwarded-For", "1.1.1.1"}, "192.0.2.1", "1.1.1.1, 192.0.2.1", "https", "api.test"},
		"trusted, junk":  {trusted, "10.0.0.9:1", []string{"X-Forwarded-For", "1.1.1.1, unknown"}, "10.0.0.9", "1.1.1.1, unknown, 10.0.0.9", "https", "api.test"},
		"trusted, empty": {trusted, "10.0.0.9:1", nil, "10.0.0.9", "10.0.0.9", "https", "api.test"},
	} {
		t.Run(name, func(t *testing.T) {
			r := serve(t, "", tt.cfg, connection(tt.peer), request(tt.sent...))
			h := r.up.request.Header
			if h.Get("x-forwarded-for") != tt.xff || h.Get("x-forwarded-proto") != tt.proto || h.Get("x-forwarded-host") != tt.host || h.Count("x-forwarded-for") != 1 {
				t.Errorf("sent on: %s", fields(h))
			}
			if got := r.record.GetConnection().GetClientIp(); got != tt.client {
				t.Errorf("recorded client %s, want %s", got, tt.client)
			}
		})
	}
}

func TestTrustedProxyTellsTheScheme(t *testing.T) {
	cfg := pipeline.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	req := request("X-Forwarded-Proto", "https")
	req.Scheme = "http"
	if r := serve(t, "", cfg, connection("10.0.0.9:1"), req); r.client.res.Status != 200 {
		t.Errorf("behind a proxy that ends TLS: %d", r.client.res.Status)
	}
	req = request("X-Forwarded-Proto", "https")
	req.Scheme = "http"
	if r := serve(t, "", cfg, connection("192.0.2.1:1"), req); r.client.res.Status != 404 {
		t.Errorf("the word of a stranger was taken: %d", r.client.res.Status)
	}
}

func TestPanicIsAnErrorOfTheGateway(t *testing.T) {
	r := serve(t, "", pipeline.Config{}, connection("192.0.2.1:1"), request(), func(s *seen, _ *taken) {
		s.response = func() *message.Response { panic("as the test wants") }
	})
	if r.client.res.Status != 500 || r.record.GetError().GetCode() != "SLUICE_3007" || strings.Contains(r.client.body, "as the test wants") {
		t.Errorf("%d %s %v", r.client.res.Status, r.client.body, r.record.GetError())
	}
}

func TestClientThatLeavesDuringTheResponse(t *testing.T) {
	r := serve(t, "", pipeline.Config{}, connection("192.0.2.1:1"), request(), func(_ *seen, c *taken) { c.fail = errors.New("broken pipe") })
	if r.keep || r.record.GetError().GetCode() != "SLUICE_4498" || r.record.GetResponse().GetStatusCode() != 200 {
		t.Errorf("kept %t, recorded %v", r.keep, r.record)
	}
}

func TestUnaskedUpgradeIsRefused(t *testing.T) {
	r := serve(t, "", pipeline.Config{}, connection("192.0.2.1:1"), request(), func(s *seen, _ *taken) {
		s.response = func() *message.Response {
			res := message.NewResponse(http.StatusSwitchingProtocols, nil, "")
			res.Body = stream{}
			return res
		}
	})
	if r.client.res.Status != 502 || r.record.GetError().GetCode() != "SLUICE_3004" {
		t.Errorf("%d %v", r.client.res.Status, r.record.GetError())
	}
}

type stream struct{}

func (stream) Read([]byte) (int, error)    { return 0, io.EOF }
func (stream) Write(p []byte) (int, error) { return len(p), nil }
func (stream) Close() error                { return nil }

func TestLocationOfARewrittenHostIsRestored(t *testing.T) {
	const policy = "on_http_request: [{actions: [{type: add-headers, config: {headers: {host: inner.test}}}]}]"
	r := serve(t, policy, pipeline.Config{}, connection("192.0.2.1:1"), request(), func(s *seen, _ *taken) {
		s.response = func() *message.Response {
			return message.NewResponse(302, message.Header{{Name: "Location", Value: "http://inner.test/next?a"}}, "")
		}
	})
	if r.up.request.Host != "inner.test" {
		t.Skipf("the policy does not rewrite the host: %q", r.up.request.Host)
	}
	if got := r.client.res.Header.Get("location"); got != "https://api.test/next?a" {
		t.Errorf("Location %q", got)
	}
}

func TestClientCannotDropWhatAPolicyAdds(t *testing.T) {
	const policy = `{"on_http_request":[{"actions":[{"type":"add-headers","config":{"headers":{"x-tenant":"a"}}}]}]}`
	r := serve(t, policy, pipeline.Config{}, connection("192.0.2.1:1"), request("Connection", "x-tenant, X-Own, close", "X-Own", "1"))
	if h := r.up.request.Header; h.Get("x-tenant") != "a" || h.Has("x-own") || h.Has("connection") {
		t.Errorf("sent on: %s", fields(h))
	}
	if got := r.record.GetRequest().GetHeaders(); !slices.ContainsFunc(got, func(h *capturev1.Header) bool { return h.GetName() == "X-Own" }) {
		t.Errorf("recorded: %v", got)
	}
	upgrade := serve(t, "", pipeline.Config{}, connection("192.0.2.1:1"), request("Connection", "keep-alive, Upgrade", "Upgrade", "websocket"))
	if h := upgrade.up.request.Header; h.Get("connection") != "Upgrade" || h.Get("upgrade") != "websocket" {
		t.Errorf("sent on: %s", fields(h))
	}
}
