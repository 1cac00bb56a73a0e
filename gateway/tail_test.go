package gateway_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"

	"sluice.dev/gateway"
)

// follower reads events.
type follower struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (s *system) follow(path string, headers ...string) *follower {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", s.gateway.URL()+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { cancel(); _ = resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		s.t.Fatalf("%d %s", resp.StatusCode, got)
	}
	return &follower{t: s.t, lines: bufio.NewScanner(resp.Body), cancel: cancel}
}

// next returns the next event as its lines; nil at the end of the stream.
func (f *follower) next() []string {
	f.t.Helper()
	var event []string
	for f.lines.Scan() {
		switch line := f.lines.Text(); {
		case line == "" && len(event) > 0:
			return event
		case line == "", strings.HasPrefix(line, ":"), strings.HasPrefix(line, "retry:"):
		default:
			event = append(event, line)
		}
	}
	return nil
}

func (f *follower) expect(id, exchange string) {
	f.t.Helper()
	got := f.next()
	if len(got) != 3 || got[0] != "id: "+id || got[1] != "event: exchange" || !strings.Contains(got[2], `"id":"`+exchange+`"`) {
		f.t.Fatalf("got %q, want %s at %s", got, exchange, id)
	}
}

func TestTailResumes(t *testing.T) {
	s := start(t, nil)
	s.capture.add("ex_old")
	f := s.follow("/api/v1/exchanges:tail")
	wait(t, "the stream", func() bool { return s.capture.open() == 1 })
	s.capture.add("ex_a")
	s.capture.add("ex_b")
	f.expect("2", "ex_a")
	f.expect("3", "ex_b")
	f.cancel()
	wait(t, "the end of the stream", func() bool { return s.capture.open() == 0 })

	again := s.follow("/api/v1/exchanges:tail?position=0", "Last-Event-ID: 2")
	again.expect("3", "ex_b")
	s.capture.add("ex_c")
	again.expect("4", "ex_c")
}

func TestTailRefuses(t *testing.T) {
	s := start(t, nil)
	if got := s.call("GET", "/api/v1/exchanges:tail?filter=((", ""); got.status != 400 || !strings.Contains(got.body, "parenthesis") {
		t.Errorf("%+v", got)
	}
	if got := s.call("GET", "/api/v1/exchanges:tail?after=1", ""); got.status != 400 || !strings.Contains(got.body, "UNKNOWN_PARAMETER") {
		t.Errorf("%+v", got)
	}
}

func TestTailTellsWhyItEnds(t *testing.T) {
	s := start(t, nil)
	f := s.follow("/api/v1/exchanges:tail")
	s.capture.add("broken")
	got := f.next()
	if len(got) != 2 || got[0] != "event: error" || !strings.Contains(got[1], "the store is away") {
		t.Errorf("got %q", got)
	}
	if f.next() != nil {
		t.Error("the stream went on")
	}
}

func TestTailEndsWithTheGateway(t *testing.T) {
	s := start(t, func(*gateway.Config) {})
	f := s.follow("/api/v1/exchanges:tail")
	wait(t, "the stream", func() bool { return s.capture.open() == 1 })
	s.stop()
	if got := f.next(); got != nil {
		t.Errorf("got %q", got)
	}
}
