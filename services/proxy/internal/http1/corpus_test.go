package http1_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

// sample is one case of a corpus file: bytes as they come over a connection, and
// what is to become of them.
//
//	=== what is special about it
//	GET / HTTP/1.1\r\n     lines are joined; \r, \n, \t, \x00 and \\ are escapes,
//	Host: a\r\n            and {300*ab} repeats ab
//	\r\n
//	--> verdict
type sample struct{ name, wire, verdict string }

func corpus(t testing.TB, file string) []sample {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []sample
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "=== "):
			out = append(out, sample{name: line[4:]})
		case strings.HasPrefix(line, "--> "):
			out[len(out)-1].verdict = line[4:]
		case strings.HasPrefix(line, "# ") || line == "":
		default:
			out[len(out)-1].wire += unescape(t, line)
		}
	}
	if lines.Err() != nil || len(out) == 0 {
		t.Fatal(file, lines.Err())
	}
	return out
}

func unescape(t testing.TB, line string) string {
	t.Helper()
	var b strings.Builder
	for line != "" {
		if count, rest, ok := strings.Cut(line, "*"); ok && line[0] == '{' {
			if n, err := strconv.Atoi(count[1:]); err == nil {
				end := matching(rest)
				b.WriteString(strings.Repeat(unescape(t, rest[:end]), n))
				line = rest[end+1:]
				continue
			}
		}
		if line[0] != '\\' {
			b.WriteByte(line[0])
			line = line[1:]
			continue
		}
		value, _, rest, err := strconv.UnquoteChar(line, 0)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		b.WriteByte(byte(value)) // escapes are bytes, never runes
		line = rest
	}
	return b.String()
}

// matching is where the brace is that closes one before s.
func matching(s string) int {
	open := 1
	for i, c := range s {
		switch c {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	return len(s) - 1
}

// requestVerdict reads all requests of a connection and tells what became of each.
func requestVerdict(wire string) string {
	r := http1.NewReader(strings.NewReader(wire), http1.Limits{})
	var out []string
	for {
		var q http1.Request
		err := r.ReadRequest(&q)
		if errors.Is(err, io.EOF) {
			return strings.Join(out, " | ")
		}
		if err != nil {
			return strings.Join(append(out, refusal(err)), " | ")
		}
		body, err := io.ReadAll(q.Body)
		text := fmt.Sprintf("%s %s %s host=%s", q.Method, q.Target, q.Proto, q.Host)
		text += describe(q.Framing, q.KeepAlive, string(body), q.Trailer)
		if q.ExpectContinue {
			text += " continue"
		}
		if q.Upgrade != "" {
			text += " upgrade=" + q.Upgrade
		}
		if err != nil {
			text += " then " + refusal(err)
		}
		if out = append(out, text); err != nil {
			return strings.Join(out, " | ")
		}
	}
}

func describe(f http1.Framing, keep bool, body string, trailer message.Header) string {
	text := ""
	switch {
	case f == http1.Chunked:
		text = " chunked"
	case f == http1.UntilClose:
		text = " until-close"
	case f == http1.NoBody:
		text = " no-body"
	case f > 0:
		text = fmt.Sprint(" length=", int64(f))
	}
	if body != "" {
		if len(body) > 40 {
			body = fmt.Sprintf("%d bytes", len(body))
		}
		text += fmt.Sprintf(" body=%q", body)
	}
	for _, f := range trailer {
		text += fmt.Sprintf(" %s=%q", f.Name, f.Value)
	}
	if !keep {
		text += " close"
	}
	return text
}

func refusal(err error) string {
	var e *http1.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%d %s", e.Status, e.Text)
	}
	return err.Error()
}

func TestRequestCorpus(t *testing.T) {
	for _, file := range []string{"requests.txt", "smuggling.txt", "chunked.txt", "hostile.txt"} {
		for _, s := range corpus(t, file) {
			t.Run(s.name, func(t *testing.T) {
				if got := requestVerdict(s.wire); got != s.verdict {
					t.Errorf("%q\n got %s\nwant %s", clip(s.wire), got, s.verdict)
				}
			})
		}
	}
}

func clip(s string) string { return s[:min(len(s), 400)] }

// responseVerdict reads the responses of a connection to requests with a method.
func responseVerdict(wire, method string) string {
	r := http1.NewReader(strings.NewReader(wire), http1.Limits{})
	var out []string
	for {
		var p http1.Response
		err := r.ReadResponse(&p, method)
		if errors.Is(err, io.EOF) {
			return strings.Join(out, " | ")
		}
		if err != nil {
			return strings.Join(append(out, refusal(err)), " | ")
		}
		body, err := io.ReadAll(p.Body)
		text := fmt.Sprintf("%d %s", p.Status, p.Proto) + describe(p.Framing, p.KeepAlive, string(body), p.Trailer)
		if err != nil {
			text += " then " + refusal(err)
		}
		if out = append(out, text); err != nil {
			return strings.Join(out, " | ")
		}
	}
}

func TestResponseCorpus(t *testing.T) {
	for _, s := range corpus(t, "responses.txt") {
		t.Run(s.name, func(t *testing.T) {
			method := "GET"
			if m, _, ok := strings.Cut(s.name, ": "); ok {
				method = m
			}
			if got := responseVerdict(s.wire, method); got != s.verdict {
				t.Errorf("%q\n got %s\nwant %s", clip(s.wire), got, s.verdict)
			}
		})
	}
}

// TestEverySplit hands the corpus over a byte at a time and in two parts: what a
// message means must not depend on how it arrives.
func TestEverySplit(t *testing.T) {
	for _, file := range []string{"requests.txt", "smuggling.txt", "chunked.txt", "hostile.txt"} {
		for _, s := range corpus(t, file) {
			if len(s.wire) > 2000 {
				continue
			}
			for at := range len(s.wire) {
				r := io.MultiReader(strings.NewReader(s.wire[:at]), strings.NewReader(s.wire[at:]))
				if got := readAllRequests(r); got != readAllRequests(strings.NewReader(s.wire)) {
					t.Fatalf("%s: split at %d: %s", s.name, at, got)
				}
			}
			if got := readAllRequests(oneByte{strings.NewReader(s.wire)}); got != readAllRequests(strings.NewReader(s.wire)) {
				t.Fatalf("%s: byte by byte: %s", s.name, got)
			}
		}
	}
}

func readAllRequests(src io.Reader) string {
	r := http1.NewReader(src, http1.Limits{})
	out := ""
	for {
		var q http1.Request
		if err := r.ReadRequest(&q); err != nil {
			return out + err.Error()
		}
		body, err := io.ReadAll(q.Body)
		out += fmt.Sprintf("%s %s %s %v %q %v %v\n", q.Method, q.Target, q.Host, q.Header, body, q.Trailer, err)
		if err != nil {
			return out
		}
	}
}

type oneByte struct{ io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.Reader.Read(p[:min(1, len(p))]) }
