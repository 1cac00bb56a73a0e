package trafficpolicy_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

// asked is a limiter that keeps what it is asked.
type asked struct{ query trafficpolicy.RateLimitQuery }

func (a *asked) Take(_ context.Context, q trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
	a.query = q
	return trafficpolicy.RateLimitVerdict{Allowed: true}, nil
}

func counted(t *testing.T, key string, req *message.Request) string {
	t.Helper()
	doc := "on_http_request: [{actions: [{type: set-vars, config: {vars: [{a: \"${req.headers['x-api-key'][0]}\"}]}}," +
		"{type: rate-limit, config: {name: n, algorithm: sliding_window, capacity: 1, rate: 60s, bucket_key: [\"" + key + "\", \"'x'\"]}}]}]"
	p, problems := trafficpolicy.Compile(doc)
	if p == nil {
		t.Fatalf("%s: %v", key, problems)
	}
	limiter := &asked{}
	run := p.Start(trafficpolicy.Input{Request: req, Endpoint: &message.Endpoint{ID: "ep_1"}}, trafficpolicy.Services{RateLimiter: limiter})
	defer run.Release()
	if out, err := run.OnRequest(t.Context()); out != nil || err != nil {
		t.Fatalf("%s: %v, %v", key, out, err)
	}
	return limiter.query.Bucket
}

// What counters keep, and lists of buckets show, holds no credentials.
func TestCountersSeeNoCredentials(t *testing.T) {
	req := &message.Request{Method: "GET", Scheme: "https", Host: "h", Target: "/p?token=sec-ret-0&page=2", Proto: "HTTP/1.1", Received: time.Now()}
	for _, name := range []string{"Authorization", "X-Api-Key", "Cookie", "X-User"} {
		req.Header.Add(name, map[string]string{"Authorization": "Bearer sec-ret-1", "X-Api-Key": "sec-ret-2", "Cookie": "sid=sec-ret-3", "X-User": "ann"}[name])
	}
	for key, shows := range map[string]string{
		"req.headers['x-user'][0]":                       `["ann","x"]`,
		"req.headers['authorization']":                   "",
		"getReqHeader('Authorization')[0].split(' ')[1]": "",
		"req.cookies['sid'][0].value":                    "",
		"vars.a.upper()":                                 "",
		"req.url":                                        "",
		"req.url.query_params['token'][0]":               "",
		"req.url.query_params['page'][0]":                `["2","x"]`,
		"'/p' + req.url.path":                            `["/p/p","x"]`,
	} {
		got := counted(t, key, req)
		if strings.Contains(strings.ToLower(got), "sec-ret") {
			t.Errorf("%s is counted by %s", key, got)
		}
		if shows != "" && got != shows {
			t.Errorf("%s is counted by %s, want %s", key, got, shows)
		}
		if shows == "" && (!strings.HasPrefix(got, `["sha256:`) || !strings.HasSuffix(got, `","x"]`)) {
			t.Errorf("%s is counted by %s, want a digest", key, got)
		}
	}
	req.Target = "/p?page=2"
	if got := counted(t, "req.url", req); got != `["https://h/p?page=2","x"]` {
		t.Errorf("a URL without a secret is counted by %s", got)
	}
}
