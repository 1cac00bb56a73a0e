package trafficpolicy_test

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/coding"
)

const redact = `
on_event_stream_message:
  - actions: [{type: sse-find-replace, config: {replacements: [{from: "secret", to: "***"}]}}]
`

// events runs a stream through a policy.
func events(tb testing.TB, p *trafficpolicy.Policy, body io.Reader, encoding string) (*trafficpolicy.Run, *message.Response) {
	tb.Helper()
	run := p.Start(exchange(), trafficpolicy.Services{})
	res := &message.Response{Status: 200, ContentLength: -1, Body: io.NopCloser(body), Header: message.Header{{Name: "Content-Type", Value: "text/event-stream"}}}
	if encoding != "" {
		res.Header.Add("content-encoding", encoding)
	}
	if out, err := run.OnResponse(tb.Context(), res); out != nil || err != nil {
		tb.Fatal(out, err)
	}
	return run, res
}

// pieces gives one piece for each read.
type pieces chan string

func (p pieces) Read(b []byte) (int, error) {
	s, ok := <-p
	if !ok {
		return 0, io.EOF
	}
	return copy(b, s), nil
}

// TestMessagesArriveAtOnce: none waits for the next.
func TestMessagesArriveAtOnce(t *testing.T) {
	source := make(pieces, 10)
	run, res := events(t, compile(t, redact), source, "")
	defer run.Release()
	buffer := make([]byte, 1000)
	for _, step := range []struct {
		in   []string
		want string
	}{
		{[]string{"data: a se", "cret\n", "\n"}, "data: a ***\n\n"},
		{[]string{"data: two\r\n\r"}, "data: two\r\n\r"},
		{[]string{"\n: ping\r\r"}, "\n: ping\r\r"},
		{[]string{"event: x\ndata: 1\n\ndata: 2\n\nda"}, "event: x\ndata: 1\n\ndata: 2\n\n"},
		{[]string{"ta:secret\n\n"}, "data: ***\n\n"},
	} {
		for _, s := range step.in {
			source <- s
		}
		n, err := res.Body.Read(buffer)
		if got := string(buffer[:n]); err != nil || got != step.want {
			t.Errorf("%q: %q, %v; want %q", step.in, got, err, step.want)
		}
	}
	close(source)
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	if trace := run.Trace(); len(trace.Phases) > 0 {
		t.Errorf("the trace grows with the stream: %+v", trace)
	}
}

func TestEncodedEventStream(t *testing.T) {
	body, err := coding.Encode(io.NopCloser(strings.NewReader("data: secret\n\n")), coding.Gzip, true)
	if err != nil {
		t.Fatal(err)
	}
	run, res := events(t, compile(t, redact), body, "gzip")
	defer run.Release()
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != "data: ***\n\n" || res.Header.Has("content-encoding") {
		t.Errorf("%q %v %v", got, err, res.Header)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestEventStreamBounds(t *testing.T) {
	p := compile(t, redact)
	run, res := events(t, p, strings.NewReader("data: "+strings.Repeat("x", 1<<20)+"\n\n"), "")
	if got, err := io.ReadAll(res.Body); err == nil || len(got) > 0 {
		t.Errorf("a message that is too large: %d bytes, %v", len(got), err)
	}
	run.Release()
	run, res = events(t, p, strings.NewReader("data: secret\n\n"), "")
	run.Release()
	if got, err := io.ReadAll(res.Body); err == nil || len(got) > 0 {
		t.Errorf("after its exchange: %q, %v", got, err)
	}
}

// FuzzEventStream: what has nothing to replace stays as it is, what has loses it,
// and it does not matter in which pieces the stream comes.
func FuzzEventStream(f *testing.F) {
	for _, s := range []string{"data: a\n\n", "\uFEFFdata: secret\r\n\r\n\r\n:x\r\rid\ndata\ndata:b\n", "\r", "\n\n\r\n", "data:secret\rdata: secret\r\r\n\n", "retry: 1\r\n\ndata: sec\n\nret"} {
		f.Add(s)
	}
	p, problems := trafficpolicy.Compile(redact)
	if p == nil {
		f.Fatal(problems)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		run, res := events(t, p, strings.NewReader(stream), "")
		defer run.Release()
		whole, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		run2, res2 := events(t, p, iotest.OneByteReader(strings.NewReader(stream)), "")
		defer run2.Release()
		single, err := io.ReadAll(res2.Body)
		if err != nil || string(single) != string(whole) {
			t.Errorf("%q became %q, and %q in single bytes, %v", stream, whole, single, err)
		}
		if !strings.Contains(stream, "secret") && string(whole) != stream {
			t.Errorf("%q became %q", stream, whole)
		}
		for _, line := range strings.FieldsFunc(string(whole), func(r rune) bool { return r == '\n' || r == '\r' }) {
			if name, value, _ := strings.Cut(line, ":"); name == "data" && strings.Contains(value, "secret") {
				t.Errorf("%q became %q", stream, whole)
			}
		}
	})
}
