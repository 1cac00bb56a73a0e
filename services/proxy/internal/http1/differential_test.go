package http1_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

// The fuzz targets here hold this package beside net/http: what we take, it must
// take, with the same meaning.

// FuzzRequests reads any bytes as the requests of a connection.
func FuzzRequests(f *testing.F) {
	for _, file := range []string{"requests.txt", "smuggling.txt", "chunked.txt", "hostile.txt"} {
		for _, s := range corpus(f, file) {
			if len(s.wire) < 4096 {
				f.Add([]byte(s.wire))
			}
		}
	}
	f.Fuzz(compareRequests)
}

// FuzzChunked reads any bytes as a chunked body and what follows it.
func FuzzChunked(f *testing.F) {
	for _, file := range []string{"chunked.txt", "hostile.txt"} {
		for _, s := range corpus(f, file) {
			if head, body, ok := strings.Cut(s.wire, "\r\n\r\n"); ok && len(body) < 4096 && strings.Contains(head, "chunked") {
				f.Add([]byte(body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		compareRequests(t, append([]byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), body...))
	})
}

// FuzzResponses reads any bytes as the responses of a connection.
func FuzzResponses(f *testing.F) {
	for _, s := range corpus(f, "responses.txt") {
		if len(s.wire) < 4096 {
			f.Add([]byte(s.wire), strings.HasPrefix(s.name, "HEAD"))
		}
	}
	f.Fuzz(compareResponses)
}

func compareRequests(t *testing.T, wire []byte) {
	ours := http1.NewReader(bytes.NewReader(wire), http1.Limits{})
	slow := http1.NewReader(iotest.OneByteReader(bytes.NewReader(wire)), http1.Limits{})
	theirs := bufio.NewReaderSize(bytes.NewReader(wire), 128<<10)
	for {
		var q, again http1.Request
		err := ours.ReadRequest(&q)
		if e := slow.ReadRequest(&again); kind(e) != kind(err) {
			t.Fatalf("byte by byte: %v, at once: %v", e, err)
		}
		if err != nil {
			wellFormed(t, err)
			return
		}
		if w, _ := theirs.Peek(2); string(w) == "\r\n" {
			_, _ = theirs.Discard(2)
		}
		r, err := http.ReadRequest(theirs)
		if err != nil {
			t.Fatalf("only we take it: %v", err)
		}
		sameRequest(t, &q, r)
		if plain := q.Minor == 1 && q.Method != http.MethodConnect && !q.Header.Has("transfer-encoding"); plain && http1.Check(&q.Request, 0) != nil {
			t.Fatalf("it would be refused from HTTP/2: %v", http1.Check(&q.Request, 0))
		}
		body, err := sameBody(t, q.Body, r.Body)
		if b, e := io.ReadAll(again.Body); kind(e) != kind(err) || !bytes.Equal(b, body) || !reflect.DeepEqual(again.Trailer, q.Trailer) {
			t.Fatalf("body byte by byte: %q %v %v, at once: %q %v %v", b, e, again.Trailer, body, err, q.Trailer)
		}
		if err != nil {
			wellFormed(t, err)
			return
		}
		sameTrailers(t, q.Trailer, r.Trailer)
	}
}

// kind tells errors apart as far as they must not depend on how bytes arrive: of
// several faults, one or the other may be found first.
func kind(err error) string {
	var e *http1.Error
	if errors.As(err, &e) {
		return "refused"
	}
	return fmt.Sprint(err)
}

// wellFormed checks the error that ends a connection.
func wellFormed(t *testing.T, err error) {
	t.Helper()
	var e *http1.Error
	if errors.As(err, &e) {
		if e.Status < 400 || e.Status > 599 || e.Text == "" {
			t.Fatalf("%#v", e)
		}
		return
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%v", err)
	}
}

func sameRequest(t *testing.T, q *http1.Request, r *http.Request) {
	t.Helper()
	type head struct {
		Method, Target, Host string
		Length               int64
		Keep                 bool
	}
	target := r.RequestURI
	if scheme, rest, ok := strings.Cut(target, "://"); ok && target[0] != '/' && strings.HasPrefix(strings.ToLower(scheme), "http") {
		target = originForm(rest, r.Method)
	}
	got := head{q.Method, q.Target, q.Host, q.ContentLength, q.KeepAlive}
	want := head{r.Method, target, r.Host, r.ContentLength, !r.Close}
	if got != want {
		t.Fatalf("%+v, net/http: %+v", got, want)
	}
	if h := canonical(q.Header, q.Framing == http1.Chunked, "Host"); !reflect.DeepEqual(h, r.Header) {
		t.Fatalf("%q, net/http: %q", h, r.Header)
	}
}

func originForm(rest, method string) string {
	at := strings.IndexAny(rest, "/?")
	switch {
	case at < 0 && method == http.MethodOptions:
		return "*"
	case at < 0:
		return "/"
	case rest[at] == '?':
		return "/" + rest[at:]
	}
	return rest[at:]
}

// canonical is h as net/http would have it, which takes fields of framing out and
// adds a Cache-Control for Pragma.
func canonical(h message.Header, chunked bool, without ...string) http.Header {
	out := http.Header{}
	for _, f := range h {
		out.Add(f.Name, f.Value)
	}
	if chunked {
		without = append(without, "Trailer")
	}
	for _, name := range append(without, "Transfer-Encoding") {
		out.Del(name)
	}
	if p := out["Pragma"]; len(p) > 0 && p[0] == "no-cache" && out["Cache-Control"] == nil {
		out["Cache-Control"] = []string{"no-cache"}
	}
	return out
}

// sameBody reads both bodies. net/http must read at least what we do.
func sameBody(t *testing.T, ours, theirs io.Reader) ([]byte, error) {
	t.Helper()
	a, errA := io.ReadAll(ours)
	b, errB := io.ReadAll(theirs)
	if errA == nil && errB != nil {
		t.Fatalf("only we take the body: %v", errB)
	}
	if !bytes.Equal(a, b) && (errA == nil || !bytes.HasPrefix(b, a) && !bytes.HasPrefix(a, b)) {
		t.Fatalf("body %q %v, net/http: %q %v", a, errA, b, errB)
	}
	return a, errA
}

func sameTrailers(t *testing.T, ours message.Header, theirs http.Header) {
	t.Helper()
	h := canonical(ours, false)
	for name, values := range theirs {
		if !http1.AllowedTrailer(name) || len(values) == 0 { // announced and not sent
			continue
		}
		if !reflect.DeepEqual(h[name], values) {
			t.Fatalf("trailer %s %q, net/http: %q", name, h[name], values)
		}
		delete(h, name)
	}
	if len(h) > 0 {
		t.Fatalf("trailers that net/http does not have: %v", h)
	}
}

func compareResponses(t *testing.T, wire []byte, head bool) {
	method := http.MethodGet
	if head {
		method = http.MethodHead
	}
	ours := http1.NewReader(bytes.NewReader(wire), http1.Limits{})
	theirs := bufio.NewReaderSize(bytes.NewReader(wire), 128<<10)
	for {
		var p http1.Response
		if err := ours.ReadResponse(&p, method); err != nil {
			wellFormed(t, err)
			return
		}
		r, err := http.ReadResponse(theirs, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("only we take it: %v", err)
		}
		if p.Status == http.StatusSwitchingProtocols {
			return
		}
		if p.Status != r.StatusCode || p.ContentLength != r.ContentLength || p.KeepAlive && r.Close {
			t.Fatalf("%d, %d bytes, keep %t; net/http: %d, %d, close %t", p.Status, p.ContentLength, p.KeepAlive, r.StatusCode, r.ContentLength, r.Close)
		}
		h := canonical(p.Header, p.Header.Has("transfer-encoding"), "Connection", "Content-Length")
		r.Header.Del("Connection") // taken out when it is "close"
		r.Header.Del("Content-Length")
		if !reflect.DeepEqual(h, r.Header) {
			t.Fatalf("%q, net/http: %q", h, r.Header)
		}
		if _, err := sameBody(t, p.Body, r.Body); err != nil {
			wellFormed(t, err)
			return
		}
		sameTrailers(t, p.Trailer, r.Trailer)
		if !p.KeepAlive {
			return
		}
	}
}
