package pipeline_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/pipeline"
	"sluice.dev/services/proxy/internal/upstream"
)

// upstreams answer by the host they are called at: "down" refuses connections,
// "greedy" fails after it took of the body, others tell what they saw.
type upstreams struct{ calls []string }

func (u *upstreams) Do(ctx context.Context, to *upstream.Upstream, req *message.Request, from upstream.Caller) (*message.Response, upstream.Call, error) {
	t := to.Targets()[0]
	u.calls = append(u.calls, t.Host)
	call := upstream.Call{Address: t.Address}
	switch t.Host {
	case "ws.test":
		res := message.NewResponse(101, nil, "")
		res.Body = stream{}
		return res, call, nil
	case "greedy.test":
		_, _ = io.Copy(io.Discard, req.Body)
		req = request()
		fallthrough
	case "down.test":
		pool := upstream.NewPool(upstream.Config{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
		defer pool.Close()
		closed, err := upstream.Parse("ep_0", &policyv1.Upstream{Url: "http://127.0.0.1:1"}, nil)
		if err != nil {
			return nil, call, err
		}
		return pool.Do(ctx, closed, req, from)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, call, err
	}
	said := t.Host + " got " + string(body) + " host " + req.Host + " xff " + req.Header.Get("x-forwarded-for")
	return message.NewResponse(200, message.Header{{Name: "X-Marks", Value: strings.Join(req.Header.Values("x-mark"), ",")}}, said), call, nil
}

func endpointAt(id, url, to, policy string) *policyv1.Endpoint {
	e := &policyv1.Endpoint{Id: id, Url: url, Revision: 1, TrafficPolicy: policy}
	if to != "" {
		e.Upstream = &policyv1.Upstream{Url: to}
	}
	return e
}

func forwardTo(host, onError string) string {
	return `
on_http_request:
  - actions:
      - {type: add-headers, config: {headers: {x-mark: outer}}}
      - {type: forward-internal, config: {url: "https://` + host + `.internal", on_error: ` + onError + `}}
on_http_response: [{actions: [{type: add-headers, config: {headers: {x-through: outer}}}]}]
`
}

var internals = []*policyv1.Endpoint{
	endpointAt("ep_2", "https://users.internal", "http://users.test", `
on_http_request: [{actions: [{type: log, config: {metadata: {seen: by users}}}, {type: add-headers, config: {headers: {x-mark: inner}}}]}]
on_http_response: [{actions: [{type: add-headers, config: {headers: {x-inner: "1"}}}]}]`),
	endpointAt("ep_3", "https://guarded.internal", "http://users.test", "on_http_request: [{actions: [{type: deny, config: {status_code: 403}}]}]"),
	endpointAt("ep_4", "https://closed.internal", "http://users.test", "on_tcp_connect: [{actions: [{type: deny}]}]"),
	endpointAt("ep_5", "https://down.internal", "http://down.test", ""),
	endpointAt("ep_6", "https://greedy.internal", "http://greedy.test", ""),
	endpointAt("ep_7", "https://circle.internal", "", forwardTo("circle", "halt")),
	endpointAt("ep_8", "https://tea.internal", "", "on_http_request: [{actions: [{type: custom-response, config: {status_code: 418, body: tea}}]}]"),
	endpointAt("ep_9", "https://chain.internal", "", "on_http_request: [{actions: [{type: forward-internal, config: {url: 'https://users.internal'}}]}]"),
	endpointAt("ep_a", "https://bare.internal", "", "on_http_request: [{expressions: ['false'], actions: [{type: deny}]}]"),
	endpointAt("ep_b", "https://retry.internal", "http://users.test", "on_http_request: [{actions: [{type: forward-internal, config: {url: 'https://down.internal', on_error: continue}}, {type: forward-internal, config: {url: 'https://down.internal', on_error: continue}}]}]"),
	endpointAt("ep_d", "https://ws.internal", "http://ws.test", "on_http_response: [{actions: [{type: add-headers, config: {headers: {x-inner: '1'}}}]}]"),
	endpointAt("ep_e", "https://fenced.internal", "http://users.test", "on_http_request: [{actions: [{type: restrict-ips, config: {deny: ['192.0.2.0/24']}}]}]"),
	endpointAt("ep_c", "https://*.wild.internal", "http://users.test", ""),
}

// forwarded serves a POST at an endpoint with this policy and an upstream of its
// own.
func forwarded(t *testing.T, url, policy string, prepare func(*message.Request)) (*taken, *upstreams, *capturev1.Exchange, bool) {
	t.Helper()
	up, to := &upstreams{}, &taken{}
	docs := append([]*policyv1.Endpoint{endpointAt("ep_1", url, "http://own.test", policy)}, internals...)
	g, _, recorder, _ := newGatewayOf(t, docs, up, trafficpolicy.Services{}, pipeline.Config{}, policyv1.CaptureMode_CAPTURE_MODE_FULL)
	req := request()
	req.Method, req.Body, req.ContentLength = "POST", io.NopCloser(strings.NewReader("body")), 4
	if prepare != nil {
		prepare(req)
	}
	keep := g.Serve(context.Background(), connection("192.0.2.1:1"), req, to)
	records := recorded(t, recorder)
	if len(records) != 1 || g.Active() != 0 {
		t.Fatalf("%d records, %d active", len(records), g.Active())
	}
	return to, up, records[0], keep
}

func TestForwardInternal(t *testing.T) {
	for name, tt := range map[string]struct {
		host, onError string
		status        int
		code          string
		body          string
		calls         string
		address       string // recorded
	}{
		"answers":            {"users", "halt", 200, "", "users.test got body host api.test xff 192.0.2.1", "users.test", "https://users.internal"},
		"by a wildcard":      {"a.wild", "halt", 200, "", "users.test got body", "users.test", "https://*.wild.internal"},
		"by its policy":      {"tea", "continue", 418, "", "tea", "", "https://tea.internal"},
		"through another":    {"chain", "halt", 200, "", "users.test got body", "users.test", "https://users.internal"},
		"refuses":            {"guarded", "continue", 403, "SLUICE_4403", "SLUICE_4403", "", "https://guarded.internal"},
		"is missing":         {"none", "halt", 404, "SLUICE_3200", "no endpoint is published there", "", ""},
		"is missing, go on":  {"none", "continue", 200, "", "own.test got body", "own.test", "own.test:80"},
		"is down":            {"down", "halt", 502, "SLUICE_3006", "is it running?", "down.test", "https://down.internal"},
		"is down, go on":     {"down", "continue", 200, "", "own.test got body host api.test xff 192.0.2.1", "down.test own.test", "own.test:80"},
		"tries twice":        {"retry", "halt", 200, "", "users.test got body host api.test xff 192.0.2.1", "down.test down.test users.test", "https://retry.internal"},
		"spent a small body": {"greedy", "continue", 200, "", "own.test got body", "greedy.test own.test", "own.test:80"},
		"spent the body":     {"greedy", "continue", 502, "SLUICE_3006", "is it running?", "greedy.test", "https://greedy.internal"},
		"closes":             {"closed", "halt", 502, "SLUICE_4499", "closed the connection", "", "https://closed.internal"},
		"closes, go on":      {"closed", "continue", 200, "", "own.test got body", "own.test", "own.test:80"},
		"in a circle":        {"circle", "halt", 508, "SLUICE_3501", "SLUICE_3501", "", "https://circle.internal"},
		"has no upstream":    {"bare", "halt", 500, "SLUICE_6029", "no upstream", "", "https://bare.internal"},
	} {
		t.Run(name, func(t *testing.T) {
			to, up, record, keep := forwarded(t, "https://api.test", forwardTo(tt.host, tt.onError), func(r *message.Request) {
				if name == "spent the body" {
					r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 100<<10))), 100<<10
				}
			})
			if !keep || to.res.Status != tt.status || to.res.Header.Get("sluice-error-code") != tt.code || !strings.Contains(to.body, tt.body) || strings.Join(up.calls, " ") != tt.calls {
				t.Errorf("kept %t, %d %q, called %v\n%s", keep, to.res.Status, to.body, up.calls, fields(to.res.Header))
			}
			if record.GetEndpointId() != "ep_1" || record.GetUpstream().GetAddress() != tt.address || record.GetError().GetCode() != tt.code || record.GetPolicy().GetAction() != "forward-internal" {
				t.Errorf("recorded %v", record)
			}
			answered := tt.code == "" || tt.host == "guarded" || tt.host == "circle"
			if to.res.Header.Has("x-through") != answered {
				t.Errorf("the response phase ran: %t", !answered)
			}
		})
	}
}

func TestForwardRunsBothPolicies(t *testing.T) {
	to, _, record, _ := forwarded(t, "https://api.test", forwardTo("users", "halt"), nil)
	if h := to.res.Header; h.Get("x-marks") != "outer,inner" || !h.Has("x-inner") || h.Get("x-through") != "outer" {
		t.Errorf("got %s", fields(to.res.Header))
	}
	if logs := record.GetPolicy().GetLogs(); len(logs) != 1 || !strings.Contains(logs[0], "by users") {
		t.Errorf("logs %v", logs)
	}
}

func TestInternalEndpointsAreNotReachedFromOutside(t *testing.T) {
	for _, host := range []string{"users.internal", "USERS.internal:443", "x.wild.internal"} {
		to, up, record, _ := forwarded(t, "https://api.test", "", func(r *message.Request) { r.Host = host })
		if to.res.Status != 404 || to.res.Header.Get("sluice-error-code") != "SLUICE_3200" || len(up.calls) > 0 || record.GetEndpointId() != "" {
			t.Errorf("%s: %d, called %v, recorded %v", host, to.res.Status, up.calls, record)
		}
	}
}

func TestForwardOfAConnection(t *testing.T) {
	for host, want := range map[string]struct {
		status int
		body   string
	}{"users": {200, "users.test got body"}, "none": {404, "SLUICE_3200"}} {
		policy := "on_tcp_connect: [{actions: [{type: forward-internal, config: {url: 'https://" + host + ".internal'}}]}]"
		if to, _, _, keep := forwarded(t, "https://api.test", policy, nil); !keep || to.res.Status != want.status || !strings.Contains(to.body, want.body) {
			t.Errorf("%s: kept %t, %+v %q", host, keep, to.res, to.body)
		}
	}
	const goOn = "on_tcp_connect: [{actions: [{type: forward-internal, config: {url: 'https://none.internal', on_error: continue}}]}]\non_http_request: [{actions: [{type: custom-response, config: {status_code: 299}}]}]"
	if to, _, _, _ := forwarded(t, "https://api.test", goOn, nil); to.res.Status != 299 {
		t.Errorf("got %d: on_http_request was passed over", to.res.Status)
	}
}

func TestForwardCarriesUpgrades(t *testing.T) {
	to, _, record, keep := forwarded(t, "https://api.test", forwardTo("ws", "halt"), func(r *message.Request) {
		r.Header.Add("Connection", "Upgrade")
		r.Header.Add("Upgrade", "lines")
	})
	if h := to.res.Header; !keep || to.res.Status != 101 || !h.Has("x-inner") || !h.Has("x-through") || record.GetResponse().GetStatusCode() != 101 {
		t.Errorf("kept %t, %d %s, recorded %v", keep, to.res.Status, fields(h), record)
	}
	if to, _, _, _ := forwarded(t, "https://api.test", forwardTo("ws", "halt"), nil); to.res.Status != 502 || to.res.Header.Get("sluice-error-code") != "SLUICE_3004" {
		t.Errorf("an upgrade that nobody asked for: %d", to.res.Status)
	}
}
