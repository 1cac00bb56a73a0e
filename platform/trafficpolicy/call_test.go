package trafficpolicy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice.dev/platform/trafficpolicy"
)

// server answers the requests of a policy one after the other.
type server struct {
	answers []answer
	asked   []trafficpolicy.OutboundRequest
}

type answer struct {
	status   int
	location string
	body     string
	encoding string
	fault    error
	delay    time.Duration
}

func (s *server) Do(ctx context.Context, req *trafficpolicy.OutboundRequest) (*trafficpolicy.OutboundResponse, error) {
	copied := *req
	copied.Header = req.Header.Clone()
	s.asked = append(s.asked, copied)
	a := s.answers[min(len(s.asked), len(s.answers))-1]
	select {
	case <-time.After(a.delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if a.fault != nil {
		return nil, a.fault
	}
	res := &trafficpolicy.OutboundResponse{Status: a.status, Body: io.NopCloser(strings.NewReader(a.body)), ResolvedIP: "192.0.2.9"}
	for name, value := range map[string]string{"location": a.location, "content-encoding": a.encoding} {
		if value != "" {
			res.Header.Add(name, value)
		}
	}
	return res, nil
}

// ask runs a policy of one http-request, and answers with its result.
func ask(t *testing.T, s *server, config string) string {
	t.Helper()
	source := fmt.Sprintf(`
on_http_request:
  - actions:
      - {type: http-request, config: {url: "https://one.internal/a", on_error: halt, headers: {authorization: x, x-own: y}, %s}}
      - {type: custom-response, config: {body: "${actions.ngrok.http_request.res.status_code} ${actions.ngrok.http_request.res.body} in ${size(actions.ngrok.http_request.attempts)}"}}
`, config)
	in := exchange()
	in.ID = "exc_1"
	run := compile(t, source).Start(in, trafficpolicy.Services{HTTP: s})
	defer run.Release()
	out, err := run.OnRequest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if out.ErrorCode != "" {
		return fmt.Sprint(out.Response.Status, " ", out.ErrorCode)
	}
	body, err := io.ReadAll(out.Response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestHTTPRequestAnswers(t *testing.T) {
	down := errors.New("connection refused")
	long := strings.Repeat("x", 256<<10)
	tests := []struct {
		name, config string
		answers      []answer
		want         string
		asked        int
	}{
		{"once", "", []answer{{status: 200, body: "ok"}}, "200 ok in 1", 1},
		{"no retry without a condition", "", []answer{{status: 503, body: "busy"}}, "503 busy in 1", 1},
		{"retry while busy", `retry_condition: "last_attempt.res.status_code == 503"`, []answer{{status: 503}, {status: 503}, {status: 200, body: "ok"}}, "200 ok in 3", 3},
		{"the other spelling", `retry_condition: "last_attempt.res.statusCode == 503"`, []answer{{status: 503}, {status: 200, body: "ok"}}, "200 ok in 2", 2},
		{"at most three retries", `retry_condition: "true"`, []answer{{status: 200, body: "ok"}}, "200 ok in 4", 4},
		{"by the number of attempts", `retry_condition: "attempts < 2"`, []answer{{status: 200, body: "ok"}}, "200 ok in 2", 2},
		{"after a failure", `retry_condition: "last_attempt.error.code != ''"`, []answer{{fault: down}, {status: 200, body: "ok"}}, "200 ok in 2", 2},
		{"failure stays", `retry_condition: "attempts < 3"`, []answer{{fault: down}}, "502 SLUICE_4502", 3},
		{"a condition without a value", `retry_condition: "last_attempt.nothing == 1"`, []answer{{status: 200}}, "500 SLUICE_2253", 1},
		{"timeout", "timeout: 2s", []answer{{status: 200, delay: 3 * time.Second}}, "504 SLUICE_3602", 1},
		{"timeout over all attempts", `timeout: 2s, retry_condition: "true"`, []answer{{status: 503, delay: 900 * time.Millisecond}}, "504 SLUICE_3602", 3},
		{"no retry after the time is up", `timeout: 1s, retry_condition: "true"`, []answer{{status: 200, delay: 3 * time.Second}}, "504 SLUICE_3602", 1},
		{"a forbidden address", "", []answer{{fault: fmt.Errorf("127.0.0.1: %w", trafficpolicy.ErrAddress)}}, "500 SLUICE_4503", 1},
		{"as much as may be", "", []answer{{status: 200, body: long}}, "200 " + long + " in 1", 1},
		{"too much", "", []answer{{status: 200, body: long + "x"}}, "502 SLUICE_3601", 1},
		{"a broken coding", "", []answer{{status: 200, body: "text", encoding: "gzip"}}, "502 SLUICE_4502", 1},
		{"redirects", "max_redirects: 2", []answer{{status: 301, location: "b"}, {status: 307, location: "//two.internal/c"}, {status: 200, body: "ok"}}, "200 ok in 1", 3},
		{"too many redirects", "max_redirects: 1", []answer{{status: 302, location: "/b"}}, "502 SLUICE_3214", 2},
		{"a redirect elsewhere", "max_redirects: 1", []answer{{status: 302, location: "file:///etc/passwd"}}, "502 SLUICE_4502", 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answers: tt.answers}
			if got := ask(t, s, tt.config); got != tt.want || len(s.asked) != tt.asked {
				t.Errorf("%s: %.60q after %d requests, want %.60q after %d", tt.name, got, len(s.asked), tt.want, tt.asked)
			}
		})
	}
}

// TestHTTPRequestRedirects: what changes on the way (RFC 9110 section 15.4).
func TestHTTPRequestRedirects(t *testing.T) {
	s := &server{answers: []answer{{status: 307, location: "/b"}, {status: 302, location: "/c?x"}, {status: 308, location: "https://two.internal/d"}, {status: 200, body: "ok"}}}
	ask(t, s, `method: POST, body: text, query_params: [{key: "a b", value: "&${req.method}"}], max_redirects: 5`)
	var got []string
	for _, q := range s.asked {
		got = append(got, fmt.Sprintf("%s %s %q auth=%v own=%v", q.Method, q.URL, q.Body, q.Header.Has("authorization"), q.Header.Has("x-own")))
	}
	want := []string{
		`POST https://one.internal/a?a+b=%26GET "text" auth=true own=true`,
		`POST https://one.internal/b "text" auth=true own=true`,
		`GET https://one.internal/c?x "" auth=true own=true`,
		`GET https://two.internal/d "" auth=false own=true`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked\n%s", strings.Join(got, "\n"))
	}
	h := s.asked[0].Header
	for name, value := range map[string]string{"x-forwarded-for": "203.0.113.7", "user-agent": "sluice", "accept-encoding": "gzip, deflate, br, zstd",
		trafficpolicy.HeaderRequestType: "http-request", trafficpolicy.HeaderRequestID: "exc_1", trafficpolicy.HeaderHops: "1"} {
		if h.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, h.Get(name), value)
		}
	}
}

// TestHTTPRequestEndsWithTheClient: it is no failure of the server.
func TestHTTPRequestEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := compile(t, `on_http_request: [{actions: [{type: http-request, config: {url: "https://one.internal/"}}]}]`)
		run := p.Start(exchange(), trafficpolicy.Services{HTTP: &server{answers: []answer{{status: 200, delay: 2 * time.Second}}}})
		defer run.Release()
		if out, err := run.OnRequest(ctx); out != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outcome %+v, %v", out, err)
		}
	})
}

func TestHTTPRequestDecodesAndHides(t *testing.T) {
	const source = `on_http_request: [{actions: [{type: http-request, config: {url: "https://one.internal/${secrets.get('a', 'b')}"}}]}]`
	run := compile(t, source).Start(exchange(), trafficpolicy.Services{Secrets: secrets("hunter2hunter2"), HTTP: &server{answers: []answer{{fault: errors.New("no route to one.internal/hunter2hunter2")}}}})
	defer run.Release()
	if out, err := run.OnRequest(t.Context()); out != nil || err != nil {
		t.Fatal(out, err)
	}
	if text := fmt.Sprint(run.Trace()); strings.Contains(text, "hunter2") || !strings.Contains(text, "no route to one.internal/***") {
		t.Error(text)
	}
}
