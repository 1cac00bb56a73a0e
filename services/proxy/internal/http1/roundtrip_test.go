package http1_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

// noon is when the responses of these tests are written.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// FuzzRoundTrip writes what was read, and reads that again: nothing may change but
// what belongs to one connection. net/http must read the same.
func FuzzRoundTrip(f *testing.F) {
	for _, file := range []string{"requests.txt", "smuggling.txt", "chunked.txt", "hostile.txt"} {
		for _, s := range corpus(f, file) {
			if len(s.wire) < 4096 {
				f.Add([]byte(s.wire))
			}
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		var q http1.Request
		if http1.NewReader(bytes.NewReader(wire), http1.Limits{}).ReadRequest(&q) != nil || q.Host == "" || q.Method == http.MethodConnect {
			return
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		sent := sendRequest(t, &q.Request, body)
		var again http1.Request
		if err := http1.NewReader(bytes.NewReader(sent), http1.Limits{}).ReadRequest(&again); err != nil {
			t.Fatalf("%q: %v", sent, err)
		}
		got, err := io.ReadAll(again.Body)
		if err != nil || !bytes.Equal(got, body) || !sameFields(again.Trailer, withValues(q.Trailer)) {
			t.Fatalf("%q: body %q %v %v", sent, got, again.Trailer, err)
		}
		if again.Method != q.Method || again.Target != q.Target || again.Host != q.Host || again.ContentLength != q.ContentLength {
			t.Fatalf("%q: %s %s %s %d", sent, again.Method, again.Target, again.Host, again.ContentLength)
		}
		if a, b := endToEnd(q.Header), endToEnd(again.Header); !sameFields(a, b) {
			t.Fatalf("%q: %q, was %q", sent, b, a)
		}
		if len(withValues(q.Trailer)) < len(q.Trailer) {
			return // the second time, nothing is announced that has no value
		}
		if twice := sendRequest(t, &again.Request, got); !bytes.Equal(twice, sent) {
			t.Fatalf("the second time %q, the first %q", twice, sent)
		}
		compareRequests(t, sent)
	})
}

// sendRequest is req as it is sent on.
func sendRequest(t *testing.T, req *message.Request, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := http1.NewWriter(&out)
	req.Body = io.NopCloser(bytes.NewReader(body))
	f := http1.RequestFraming(req)
	if err := w.Request(req, http1.Server{}, f, http1.Connection{}); err != nil {
		t.Fatalf("what was read cannot be sent: %v", err)
	}
	if err := w.Body(req.Body, f, &req.Trailer, false); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// endToEnd is h without what the codec writes by itself.
func endToEnd(h message.Header) (out message.Header) {
	for _, f := range h {
		named := false
		for _, c := range h {
			if message.EqualName(c.Name, "connection") {
				for option := range strings.SplitSeq(c.Value, ",") {
					named = named || message.EqualName(strings.Trim(option, " \t"), f.Name)
				}
			}
		}
		switch strings.ToLower(f.Name) {
		case "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
			"proxy-authenticate", "proxy-authorization", "content-length", "host":
			continue
		}
		if !named {
			out = append(out, f)
		}
	}
	return out
}

func withValues(h message.Header) (out message.Header) {
	for _, f := range h {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

func sameFields(a, b message.Header) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

// FuzzHostileRequest tries to send more than one message, or another one, by what a
// policy or a replay may put into a request.
func FuzzHostileRequest(f *testing.F) {
	f.Add("GET", "/", "a", "X", "y", "Y", "z", "")
	f.Add("POST", "/ HTTP/1.1\r\nX: y", "a\r\nb", "X\r\nY", "y\r\n\r\nGET / HTTP/1.1", "T", "\n", "abc")
	f.Add("GET /", "*", "a b", "Content-Length", "5", "Transfer-Encoding", "chunked", "x")
	f.Add("CONNECT", "a:1", "a", "Connection", "host", "Host", "b", "x")
	f.Fuzz(func(t *testing.T, method, target, host, name, value, trailer, trailerValue, body string) {
		for _, length := range []int64{int64(len(body)), -1} {
			req := &message.Request{
				Method: method, Target: target, Host: host, ContentLength: length, Body: io.NopCloser(strings.NewReader(body)),
				Header: message.Header{{Name: name, Value: value}}, Trailer: message.Header{{Name: trailer, Value: trailerValue}},
			}
			var out bytes.Buffer
			w := http1.NewWriter(&out)
			framing := http1.RequestFraming(req)
			if err := w.Request(req, http1.Server{}, framing, http1.Connection{Upgrade: value}); err != nil {
				var u *http1.UnsendableError
				if !errors.As(err, &u) || out.Len() > 0 {
					t.Fatal(err, out.Len())
				}
				continue
			}
			if err := w.Body(req.Body, framing, &req.Trailer, false); err != nil {
				continue // what is on the wire has no end and cannot be taken for a whole message
			}
			one(t, out.Bytes(), req, body)
		}
	})
}

// one checks that wire is exactly one request, the one that was sent.
func one(t *testing.T, wire []byte, req *message.Request, body string) {
	t.Helper()
	r := http1.NewReader(bytes.NewReader(wire), http1.Limits{})
	var q http1.Request
	if err := r.ReadRequest(&q); err != nil {
		if strings.Contains(err.Error(), "%") || strings.Contains(err.Error(), "expectation") {
			return // refused by the recipient, which is no harm
		}
		t.Fatalf("%q: %v", wire, err)
	}
	got, err := io.ReadAll(q.Body)
	if err != nil || string(got) != body || q.Method != req.Method || q.Target != req.Target || q.Host != req.Host || len(q.Trailer) > 1 {
		t.Fatalf("%q: %s %s %s %q %v, %v", wire, q.Method, q.Target, q.Host, got, q.Trailer, err)
	}
	if err := r.ReadRequest(&q); !errors.Is(err, io.EOF) {
		t.Fatalf("%q: there is more: %v", wire, err)
	}
	compareRequests(t, wire)
}

// FuzzHostileResponse is the same for responses.
func FuzzHostileResponse(f *testing.F) {
	f.Add(200, "X", "y", "Y", "z", "abc", false)
	f.Add(304, "Content-Length", "5\r\nX: y", "T", "\r\n", "abc", true)
	f.Add(99, "Set-Cookie", "a=b\nX: y", "Content-Length", "1", "", false)
	f.Fuzz(func(t *testing.T, status int, name, value, trailer, trailerValue, body string, stream bool) {
		res := &message.Response{
			Status: status, Header: message.Header{{Name: name, Value: value}}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
		}
		if stream {
			res.ContentLength, res.Trailer = -1, message.Header{{Name: trailer, Value: trailerValue}}
		}
		for _, method := range []string{"GET", "HEAD"} {
			for minor := range 2 {
				res.Body = io.NopCloser(strings.NewReader(body))
				hostileResponse(t, res, method, minor, body)
			}
		}
	})
}

func hostileResponse(t *testing.T, res *message.Response, method string, minor int, body string) {
	t.Helper()
	var out bytes.Buffer
	w := http1.NewWriter(&out)
	framing := http1.ResponseFraming(res, method, minor)
	if err := w.Response(res, framing, http1.Connection{}, noon); err != nil {
		return
	}
	if err := w.Body(res.Body, framing, &res.Trailer, false); err != nil {
		return
	}
	if res.Status == 101 {
		return // what follows is another protocol
	}
	r := http1.NewReader(bytes.NewReader(out.Bytes()), http1.Limits{})
	var p http1.Response
	if err := r.ReadResponse(&p, method); err != nil {
		t.Fatalf("%q: %v", out.Bytes(), err)
	}
	got, err := io.ReadAll(p.Body)
	if err != nil || p.Status != res.Status || framing != http1.NoBody && framing != 0 && string(got) != body {
		t.Fatalf("%q: %d %q %v", out.Bytes(), p.Status, got, err)
	}
	if err := r.ReadResponse(&p, method); !errors.Is(err, io.EOF) {
		t.Fatalf("%q: there is more: %v", out.Bytes(), err)
	}
	theirs, err := http.ReadResponse(bufio.NewReader(&out), &http.Request{Method: method})
	if err != nil || theirs.StatusCode != res.Status {
		t.Fatalf("net/http: %v", err)
	}
	if b, err := io.ReadAll(theirs.Body); err != nil || !bytes.Equal(b, got) {
		t.Fatalf("net/http: %q %v", b, err)
	}
}
