package trafficpolicy_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

const readsBody = `
on_http_request:
  - expressions: ["!has(req.body)"]
    actions: [{type: custom-response, config: {status_code: 413}}]
  - expressions: ["req.body == 'plain'", "req.body.endsWith('n')"]
    actions: [{type: custom-response, config: {status_code: 202}}]
`

func answerTo(t *testing.T, policy, encoding string, body io.Reader) (status int, left string) {
	t.Helper()
	p, problems := trafficpolicy.Compile(policy)
	if p == nil {
		t.Fatal(problems)
	}
	req := &message.Request{Method: "POST", Scheme: "https", Host: "h", Target: "/", Proto: "HTTP/1.1", ContentLength: -1, Body: io.NopCloser(body)}
	if encoding != "" {
		req.Header.Add("Content-Encoding", encoding)
	}
	run := p.Start(trafficpolicy.Input{Request: req}, trafficpolicy.Services{})
	defer run.Release()
	out, err := run.OnRequest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(req.Body)
	if out == nil {
		return 200, string(rest)
	}
	return out.Response.Status, string(rest)
}

func TestBodyVariableIsBounded(t *testing.T) {
	for size, want := range map[int]int{1 << 20: 200, 1<<20 + 1: 413} {
		body := strings.Repeat("x", size)
		if status, left := answerTo(t, readsBody, "", strings.NewReader(body)); status != want || left != body {
			t.Errorf("%d bytes: status %d, %d bytes are left", size, status, len(left))
		}
	}
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write(make([]byte, 2<<20))
	_ = w.Close()
	if status, _ := answerTo(t, readsBody, "gzip", &bomb); status != 413 {
		t.Errorf("2 MiB when decoded: status %d", status)
	}
	var small bytes.Buffer
	w.Reset(&small)
	_, _ = w.Write([]byte("plain"))
	_ = w.Close()
	packed := small.String()
	if status, left := answerTo(t, readsBody, "gzip", &small); status != 202 || left != packed {
		t.Errorf("compressed: status %d", status)
	}
}

func TestBodyThatBreaksOffHasNoValue(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("pla"), &failing{})
	if status, _ := answerTo(t, readsBody, "", broken); status != 413 {
		t.Errorf("status %d", status)
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, errors.New("reset") }

// A policy that does not read bodies leaves them unread.
func TestBodiesAreReadOnlyWhenAsked(t *testing.T) {
	policy := `on_http_request: [{expressions: ["req.method == 'GET' && req.body == ''"], actions: [{type: deny}]}]`
	if status, _ := answerTo(t, policy, "", &failing{}); status != 200 {
		t.Errorf("status %d", status)
	}
}
