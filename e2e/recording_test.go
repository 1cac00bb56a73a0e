package e2e_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice.dev/e2e/harness"
)

// exact is one exchange whose bytes are known on both sides.
type exact struct {
	name         string
	method, path string
	head         string // further lines of the request
	sent         string // on the wire after the head
	body         string // what sent carries
	trailers     []line
	answer       string // of the upstream, with its head
	want         string // what it carries
}

func chunked(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(p), p)
	}
	return b.String() + "0\r\n"
}

func answer(status, head, body string) string {
	return "HTTP/1.1 " + status + "\r\n" + head + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func exchanges() []exact {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	binary := string(all)
	large := strings.Repeat(binary, 1200) // more than an exchange carries
	length := func(s string) string { return "Content-Length: " + strconv.Itoa(len(s)) + "\r\n" }
	z, zLarge := zipped("{\"some\": \"text\"}"), zipped(strings.Repeat(binary+"z", 300)+string(bytes.Join(manyHashes(1500), nil)))
	return []exact{
		{name: "no bodies", method: "GET", path: "/nothing?a=1&b=%20", head: "X-oDd-CASE: 1\r\nx-odd-case:  2 \r\nAccept: a, b\r\naccept: c\r\n", answer: answer("200 OK", "x-LOWER: a\r\nX-Twice: 1\r\nx-twice: 2\r\n", "")},
		{name: "json", method: "POST", path: "/json", head: "Content-Type: application/json\r\n" + length(`{"a": [1, 2.50]}`), sent: `{"a": [1, 2.50]}`, body: `{"a": [1, 2.50]}`,
			answer: answer("201 Created", "Content-Type: application/json\r\n", "{\n\t\"b\" : null}\n"), want: "{\n\t\"b\" : null}\n"},
		{name: "binary", method: "PUT", path: "/binary", head: "Content-Type: application/octet-stream\r\n" + length(binary), sent: binary, body: binary, answer: answer("200 OK", "Content-Type: image/png\r\n", binary), want: binary},
		{name: "chunks and trailers", method: "POST", path: "/chunks", head: "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", sent: chunked("one", "two") + "X-Sum: 6\r\n\r\n", body: "onetwo",
			trailers: []line{{Name: "X-Sum", Value: "6"}}, answer: "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n" + chunked("a", "bc") + "X-End: yes\r\n\r\n", want: "abc"},
		{name: "gzip", method: "POST", path: "/gzip", head: "Content-Type: application/json\r\nContent-Encoding: gzip\r\n" + length(z), sent: z, body: z, answer: answer("200 OK", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", z), want: z},
		{name: "large gzip", method: "POST", path: "/large-gzip", head: "Content-Encoding: gzip\r\n" + length(zLarge), sent: zLarge, body: zLarge, answer: answer("200 OK", "Content-Encoding: gzip\r\n", zLarge), want: zLarge},
		{name: "coding that it is not", method: "GET", path: "/no-gzip", answer: answer("200 OK", "Content-Encoding: gzip\r\n", "plain text"), want: "plain text"},
		{name: "large", method: "POST", path: "/large", head: "Content-Type: application/octet-stream\r\n" + length(large), sent: large, body: large, answer: answer("200 OK", "Content-Type: application/octet-stream\r\n", large), want: large},
		{name: "head", method: "HEAD", path: "/head", answer: "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n"},
		{name: "204", method: "DELETE", path: "/204", answer: "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"},
		{name: "304", method: "GET", path: "/304", head: "If-None-Match: \"x\"\r\n", answer: "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"},
		{name: "continue", method: "POST", path: "/continue", head: "Expect: 100-continue\r\n" + length("late"), sent: "late", body: "late", answer: answer("200 OK", "", "ok"), want: "ok"},
		{name: "form", method: "POST", path: "/form", head: "Content-Type: application/x-www-form-urlencoded\r\n" + length("a=1&b=%C3%A4+c"), sent: "a=1&b=%C3%A4+c", body: "a=1&b=%C3%A4+c", answer: answer("200 OK", "Content-Type: text/html; charset=latin1\r\n", "<p>caf\xe9"), want: "<p>caf\xe9"},
	}
}

// manyHashes do not compress.
func manyHashes(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		out[i] = sum[:]
	}
	return out
}

const recordingURL = "http://record.localhost"

func recordAll(t *testing.T, sys *harness.System, upstream string) {
	t.Helper()
	sys.API.Must(t, "PATCH", "/api/v1/settings/capture", harness.Object{"mode": "CAPTURE_MODE_FULL", "request_body_limit": 4 << 20, "response_body_limit": 4 << 20}, nil)
	for _, url := range []string{recordingURL, "https://record.localhost"} {
		sys.API.Must(t, "POST", "/api/v1/endpoints", harness.Object{"url": url, "upstream": harness.Object{"url": "http://" + upstream}}, nil)
	}
	sys.Settle()
}

// What is recorded is, byte for byte, what the client sent and got.
func TestRecordsAreByteExact(t *testing.T) {
	sys := harness.Up(t)
	api := startRawAPI(t)
	recordAll(t, sys, api.address)
	w := dial(t, sys)
	for _, x := range exchanges() {
		path, _, _ := strings.Cut(x.path, "?")
		api.answer(path, x.answer)
		head := "Host: record.localhost\r\n" + x.head
		w.send(x.method + " " + x.path + " HTTP/1.1\r\n" + head + "\r\n")
		w.send(x.sent)
		got := w.receive(x.method)
		if got.body != x.want {
			t.Fatalf("%s: the client got %q", x.name, got.body)
		}
		x.check(t, sys, head, got)
	}
	t.Run("HTTP/2 and gRPC", func(t *testing.T) { overHTTP2(t, sys, api) })
	t.Run("WebSocket", func(t *testing.T) { overWebSocket(t, sys, api) })
	t.Run("events", func(t *testing.T) { events(t, sys, api) })
	t.Run("cut", func(t *testing.T) { cutAtTheLimit(t, sys, api) })
}

// A body that is not whole says so where it is read.
func cutAtTheLimit(t *testing.T, sys *harness.System, api *rawAPI) {
	sys.API.Must(t, "PATCH", "/api/v1/settings/capture", harness.Object{"response_body_limit": 20_000}, nil)
	sys.Settle()
	want := strings.Repeat("0123456789", 5000)
	api.answer("/cut", "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n"+want)
	w := dial(t, sys)
	w.send("GET /cut HTTP/1.1\r\nHost: record.localhost\r\n\r\n")
	r := record(t, sys, w.receive("GET").exchangeID())
	if b := r.Response.Body; !b.Truncated || b.StoredSize != "20000" || b.Size != "50000" {
		t.Errorf("%+v", b)
	}
	if got := body(t, sys, r.ID, "response_body"); got != want[:20_000] {
		t.Errorf("%d bytes are read", len(got))
	}
	res, err := http.Get(sys.API.Base + "/api/v1/exchanges/" + r.ID + "/response_body")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Sluice-Incomplete"); got != "20000 of 50000 bytes" {
		t.Errorf("it is said to be %q", got)
	}
}

func (x exact) check(t *testing.T, sys *harness.System, head string, got *answered) {
	t.Helper()
	r := record(t, sys, got.exchangeID())
	var sent []line
	for s := range strings.SplitSeq(strings.TrimSuffix(head, "\r\n"), "\r\n") {
		name, value, _ := strings.Cut(s, ":")
		sent = append(sent, line{Name: name, Value: strings.TrimSpace(value)})
	}
	sameLines(t, x.name+": request headers", r.Request.Headers, sent)
	sameLines(t, x.name+": request trailers", r.Request.Trailers, x.trailers)
	sameLines(t, x.name+": response headers", dropFraming(r.Response.Headers), dropFraming(got.headers))
	if kept, came := length(r.Response.Headers), length(got.headers); kept != came {
		t.Errorf("%s: content-length %q, on the wire %q", x.name, kept, came)
	}
	sameLines(t, x.name+": response trailers", r.Response.Trailers, got.trailers)
	if r.Request.URL != recordingURL+x.path || r.Request.Method != x.method || r.Response.StatusCode != got.status || len(r.Redactions) > 0 {
		t.Errorf("%s: %s %s, %d, redactions %v", x.name, r.Request.Method, r.Request.URL, r.Response.StatusCode, r.Redactions)
	}
	for which, b := range map[string]struct {
		want string
		kept *recordedBody
	}{"request_body": {x.body, &r.Request.Body}, "response_body": {x.want, &r.Response.Body}} {
		beginning := b.kept.bytes(t)
		if !strings.HasPrefix(b.want, beginning) || b.kept.Size != strconv.Itoa(len(b.want)) || b.kept.StoredSize != strconv.Itoa(len(b.want)) || b.kept.Truncated {
			t.Errorf("%s: %s has %d bytes, size %s, stored %s, truncated %t; want %d", x.name, which, len(beginning), b.kept.Size, b.kept.StoredSize, b.kept.Truncated, len(b.want))
		}
		if len(b.want) > 0 {
			if read := body(t, sys, r.ID, which); read != b.want {
				t.Errorf("%s: %s reads %d bytes, want %d", x.name, which, len(read), len(b.want))
			}
		}
	}
}

// dropFraming leaves out what the proxy writes itself, at a place of its own, for
// the connection with this client.
func dropFraming(lines []line) []line {
	return slices.DeleteFunc(slices.Clone(lines), func(l line) bool {
		name := strings.ToLower(l.Name)
		return name == "connection" || name == "transfer-encoding" || name == "trailer" || name == "date" || name == "content-length"
	})
}

func length(lines []line) string {
	for _, l := range lines {
		if strings.EqualFold(l.Name, "content-length") {
			return l.Value
		}
	}
	return ""
}

func sameLines(t *testing.T, what string, got, want []line) {
	t.Helper()
	if !slices.Equal(got, want) && len(got)+len(want) > 0 {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func grpcFrame(payload string) string {
	var b [5]byte
	binary.BigEndian.PutUint32(b[1:], uint32(len(payload)))
	return string(b[:]) + payload
}

func overHTTP2(t *testing.T, sys *harness.System, api *rawAPI) {
	up, down := grpcFrame("\x0a\x05hello")+grpcFrame(""), grpcFrame("\x0a\x03you")+grpcFrame(strings.Repeat("\x00\xff", 200))
	api.answer("/pkg.Service/Call", "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\nTrailer: grpc-status\r\n\r\n"+chunked(down[:3], down[3:])+"grpc-status: 0\r\n\r\n")
	client := sys.Visitor(0).HTTP2()
	req, err := http.NewRequest("POST", "https://record.localhost/pkg.Service/Call", strings.NewReader(up))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || string(raw) != down || res.ProtoMajor != 2 || res.Trailer.Get("grpc-status") != "0" {
		t.Fatalf("%v %q %v %v", err, raw, res.Proto, res.Trailer)
	}
	r := record(t, sys, res.Header.Get("Sluice-Exchange-Id"))
	if r.Request.Body.bytes(t) != up || r.Response.Body.bytes(t) != down || r.Request.HTTPVersion != "HTTP/2.0" {
		t.Errorf("%s %q %q", r.Request.HTTPVersion, r.Request.Body.bytes(t), r.Response.Body.bytes(t))
	}
	var got []string
	for _, m := range r.Messages {
		got = append(got, m.Kind+" "+m.Direction+" "+string(m.Content))
	}
	slices.Sort(got)
	want := []string{"KIND_GRPC DIRECTION_CLIENT_TO_SERVER ", "KIND_GRPC DIRECTION_CLIENT_TO_SERVER \x0a\x05hello", "KIND_GRPC DIRECTION_SERVER_TO_CLIENT " + strings.Repeat("\x00\xff", 200), "KIND_GRPC DIRECTION_SERVER_TO_CLIENT \x0a\x03you"}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("messages %q", got)
	}
	if want := []line{{Name: "grpc-status", Value: "0"}}; !slices.EqualFunc(r.Response.Trailers, want, func(a, b line) bool { return strings.EqualFold(a.Name, b.Name) && a.Value == b.Value }) {
		t.Errorf("trailers %v", r.Response.Trailers)
	}
}

// frame is a masked frame of a client.
func frame(first byte, payload string) string {
	mask := []byte{1, 2, 3, 4}
	out := []byte{first}
	switch n := len(payload); {
	case n < 126:
		out = append(out, 0x80|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, 0x80|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 0x80|127), uint64(n))
	}
	out = append(out, mask...)
	for i := range len(payload) {
		out = append(out, payload[i]^mask[i%4])
	}
	return string(out)
}

func overWebSocket(t *testing.T, sys *harness.System, api *rawAPI) {
	const handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	api.answer("/ws", "HTTP/1.1 101 Switching Protocols\r\n"+handshake+"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	w := dial(t, sys)
	w.send("GET /ws HTTP/1.1\r\nHost: record.localhost\r\n" + handshake + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	got := w.receive("GET")
	if got.status != 101 {
		t.Fatal(got.status)
	}
	long := strings.Repeat("0123456789", 7000)
	sent := frame(0x81, "hello") + frame(0x01, "in ") + frame(0x89, "ping") + frame(0x80, "two") + frame(0x82, "\x00\xff") + frame(0x82, long) + frame(0x88, "\x03\xe8bye")
	w.send(sent)
	if back := w.read(len(sent)); back != sent { // the upstream sends everything back as it is
		t.Fatal("the proxy changed frames")
	}
	_ = w.conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, w.r)
	r := record(t, sys, got.exchangeID())
	want := []string{"KIND_TEXT hello", "KIND_PING ping", "KIND_TEXT in two", "KIND_BINARY \x00\xff", "KIND_BINARY " + long, "KIND_CLOSE \x03\xe8bye"}
	for _, direction := range []string{"DIRECTION_CLIENT_TO_SERVER", "DIRECTION_SERVER_TO_CLIENT"} {
		var messages []string
		for _, m := range r.Messages {
			if m.Direction == direction {
				messages = append(messages, m.Kind+" "+string(m.Content))
			}
		}
		if !slices.Equal(messages, want) {
			t.Errorf("%s: %.200q", direction, messages)
		}
	}
	if r.Request.Body.Size != strconv.Itoa(len(sent)) || r.Response.StatusCode != 101 || r.OmittedMessages != "0" {
		t.Errorf("size %s, status %d, omitted %s", r.Request.Body.Size, r.Response.StatusCode, r.OmittedMessages)
	}
}

func events(t *testing.T, sys *harness.System, api *rawAPI) {
	stream := "event: a\ndata: 1\n\n: comment\r\n\r\ndata: two\rdata: three\r\r"
	api.answer("/events", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"+chunked(stream[:10], stream[10:25], stream[25:])+"\r\n")
	w := dial(t, sys)
	w.send("GET /events HTTP/1.1\r\nHost: record.localhost\r\n\r\n")
	got := w.receive("GET")
	r := record(t, sys, got.exchangeID())
	var messages []string
	for _, m := range r.Messages {
		messages = append(messages, string(m.Content))
	}
	if got.body != stream || r.Response.Body.bytes(t) != stream || !slices.Equal(messages, []string{"event: a\ndata: 1", ": comment", "data: two\rdata: three"}) {
		t.Errorf("%q, %q, messages %q", got.body, r.Response.Body.bytes(t), messages)
	}
}

// What the gateway itself answers is recorded as well.
func TestRefusalsAreRecorded(t *testing.T) {
	sys := harness.Up(t)
	api := startRawAPI(t)
	api.answer("/", answer("200 OK", "", ""))
	for url, policy := range map[string]string{
		"http://denied.localhost":  "on_http_request: [{name: no, actions: [{type: deny}]}]",
		"http://limited.localhost": "on_http_request: [{actions: [{type: rate-limit, config: {name: one, algorithm: sliding_window, capacity: 1, rate: 60s, bucket_key: [\"req.host\"]}}]}]",
		"http://away.localhost":    "",
	} {
		upstream := api.address
		if policy == "" {
			upstream = "127.0.0.1:1"
		}
		sys.API.Must(t, "POST", "/api/v1/endpoints", harness.Object{"url": url, "upstream": harness.Object{"url": "http://" + upstream}, "traffic_policy": policy}, nil)
	}
	sys.Settle()
	v := sys.Visitor(0)
	v.Get("http://limited.localhost/")
	for url, want := range map[string]int{"http://nobody.localhost/": 404, "http://denied.localhost/": 403, "http://limited.localhost/": 429, "http://away.localhost/": 502} {
		a := v.Get(url)
		if a.Status != want {
			t.Errorf("%s: %d %s", url, a.Status, a.Body)
			continue
		}
		if r := record(t, sys, a.ExchangeID()); r.Response.StatusCode != want || r.Error["code"] != a.Header.Get("Sluice-Error-Code") || r.Error["code"] == "" {
			t.Errorf("%s: %d, %v", url, r.Response.StatusCode, r.Error)
		}
	}
}
