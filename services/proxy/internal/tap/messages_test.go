package tap

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
)

func newTap(t testing.TB, c *policyv1.CaptureSettings) *Tap {
	t.Helper()
	tap := New("px", Limits{Exchanges: 1000, Bytes: 32 << 20}, &Ledger{})
	if err := tap.Configure(c, []byte("key of the tests")); err != nil {
		t.Fatal(err)
	}
	return tap
}

// deflate compresses as permessage-deflate does, with the context of the writer.
func deflate(w *flate.Writer, b *bytes.Buffer, text string) string {
	b.Reset()
	_, _ = io.WriteString(w, text)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func frame(first byte, payload string) string {
	out := []byte{first}
	if len(payload) < 126 {
		out = append(out, byte(len(payload)))
	} else {
		out = binary.BigEndian.AppendUint16(append(out, 126), uint16(len(payload)))
	}
	return string(out) + payload
}

type pipe struct {
	io.Reader
	io.Writer
}

func (pipe) Close() error { return nil }

// upgraded records what the upstream sends over an upgraded connection.
func upgraded(t testing.TB, c *policyv1.CaptureSettings, stream string, size int, header ...message.Field) *capturev1.Exchange {
	t.Helper()
	tap := newTap(t, c)
	req := get("")
	r := tap.Begin("ex", conn, req)
	res := &message.Response{Status: 101, Header: append(message.Header{{Name: "Upgrade", Value: "WebSocket"}}, header...)}
	s := r.Upgrade(res, pipe{strings.NewReader(stream), io.Discard})
	buffer := make([]byte, size)
	for {
		if _, err := s.Read(buffer); err != nil {
			break
		}
	}
	tap.End(r)
	return decode(tap.Batch()).GetExchanges()[0]
}

var fullCapture = &policyv1.CaptureSettings{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL, RequestBodyLimit: 2000, ResponseBodyLimit: 2000, MessageLimit: 8}

func told(e *capturev1.Exchange) (out []string) {
	for _, m := range e.GetMessages() {
		flags := ""
		if m.GetCompressed() {
			flags += " compressed"
		}
		if m.GetTruncated() {
			flags += " truncated"
		}
		out = append(out, fmt.Sprintf("%s %q%s", strings.ToLower(strings.TrimPrefix(m.GetKind().String(), "KIND_")), m.GetContent(), flags))
	}
	return out
}

func TestWebSocketMessages(t *testing.T) {
	long := strings.Repeat("x", 3000)
	for _, size := range []int{1, 7, 1 << 16} {
		stream := frame(0x81, "hello") + frame(0x01, "fragm") + frame(0x8a, "pong") + frame(0x00, "en") + frame(0x80, "ted") + frame(0x82, "") + frame(0x82, long) + frame(0x88, "\x03\xe8")
		e := upgraded(t, fullCapture, stream, size)
		want := []string{`text "hello"`, `pong "pong"`, `text "fragmented"`, `binary ""`, fmt.Sprintf("binary %q truncated", long[:2000]), `close "\x03\xe8"`}
		if got := told(e); !slices.Equal(got, want) || e.GetMessages()[4].GetSize() != 3000 || e.GetResponse().GetBody().GetSize() != uint64(len(stream)) {
			t.Errorf("read by %d: %.200q", size, got)
		}
	}
}

func TestWebSocketLimitsAndNonsense(t *testing.T) {
	e := upgraded(t, fullCapture, strings.Repeat(frame(0x81, "m"), 20), 100)
	if len(e.GetMessages()) != 8 || e.GetOmittedMessages() != 12 {
		t.Errorf("%d messages, %d omitted", len(e.GetMessages()), e.GetOmittedMessages())
	}
	for name, stream := range map[string]string{
		"unknown opcode": frame(0x83, "x"), "continuation of nothing": frame(0x80, "x"), "long control frame": frame(0x89, strings.Repeat("x", 126)),
		"fragmented control frame": frame(0x09, "x"), "text within text": frame(0x01, "a") + frame(0x81, "b"), "endless": "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		if e := upgraded(t, fullCapture, stream+frame(0x81, "after"), 100); len(e.GetMessages()) != 0 {
			t.Errorf("%s: %q", name, told(e))
		}
	}
	meta := &policyv1.CaptureSettings{}
	if e := upgraded(t, meta, frame(0x81, "m"), 100); len(e.GetMessages()) != 0 || e.GetResponse().GetBody().GetSize() != 3 {
		t.Errorf("without full capture: %v", e)
	}
}

func TestCompressedWebSocketMessages(t *testing.T) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 5)
	secret := `{"password":"hunter2-hunter2"}`
	var stream string
	for _, text := range []string{"plain words", secret, "plain words again", secret} {
		stream += frame(0xc1, deflate(w, &b, text)) // each refers to those before
	}
	e := upgraded(t, fullCapture, stream, 10, message.Field{Name: "Sec-WebSocket-Extensions", Value: "permessage-deflate"})
	got := told(e)
	if len(got) != 4 || !strings.HasSuffix(got[0], "compressed") || !strings.HasSuffix(got[2], "compressed") {
		t.Fatalf("%q", got)
	}
	for _, i := range []int{1, 3} {
		if !strings.HasPrefix(got[i], `text "{\"password\":\"[redacted json_password 15 `) || strings.HasSuffix(got[i], "compressed") {
			t.Errorf("%q", got[i])
		}
	}
	if r := e.GetRedactions(); len(r) != 2 || r[0].GetPart() != capturev1.Redaction_PART_MESSAGE || r[0].GetPath() != "2" || r[1].GetPath() != "4" || r[0].GetHash() != r[1].GetHash() {
		t.Errorf("%v", r)
	}
	// What cannot be decoded is not kept, nor what depends on it.
	e = upgraded(t, fullCapture, frame(0xc1, "\xff\xff\xff")+stream, 10)
	for _, m := range e.GetMessages() {
		if len(m.GetContent()) > 0 || !m.GetTruncated() {
			t.Errorf("%v", m)
		}
	}
}

// answered records a response with a body.
func answered(t testing.TB, c *policyv1.CaptureSettings, body string, size int, header ...message.Field) *capturev1.Batch {
	t.Helper()
	tap := newTap(t, c)
	r := tap.Begin("ex", conn, get(""))
	res := message.NewResponse(200, header, body)
	r.Respond(res)
	if _, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{res.Body}, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	tap.End(r)
	all := &capturev1.Batch{}
	for b := decode(tap.Batch()); b != nil; b = decode(tap.Batch()) {
		all.Exchanges, all.BodyParts = append(all.Exchanges, b.GetExchanges()...), append(all.BodyParts, b.GetBodyParts()...)
	}
	if held := tap.held.Load(); held != 0 {
		t.Errorf("%d bytes are still accounted for", held)
	}
	return all
}

func TestEvents(t *testing.T) {
	for _, size := range []int{1, 3, 1000} {
		e := answered(t, fullCapture, "data: 1\n\n\n\r\ndata: 2\r\nid: 3\r\n\r\ndata: {\"token\":\"s3cret\"}\r\rdata: cut", size, message.Field{Name: "Content-Type", Value: "text/event-stream; charset=utf-8"}).GetExchanges()[0]
		got := told(e)
		if len(got) != 3 || got[0] != `event "data: 1"` || got[1] != `event "data: 2\r\nid: 3"` || !strings.HasPrefix(got[2], `event "data: {\"token\":\"[redacted json_password 6 `) {
			t.Errorf("read by %d: %q", size, got)
		}
	}
}

func TestGRPCMessages(t *testing.T) {
	prefix := func(flag byte, payload string) string {
		return string(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(payload)))) + payload
	}
	stream := prefix(0, "one") + prefix(0, "") + prefix(0, "token ghp_"+strings.Repeat("a", 36)) + prefix(1, "no gzip") + prefix(0x80, "grpc-status: 0") + prefix(0, "two")[:6]
	for _, size := range []int{1, 4, 1000} {
		e := answered(t, fullCapture, stream, size, message.Field{Name: "Content-Type", Value: "application/grpc-web+proto"}, message.Field{Name: "Grpc-Encoding", Value: "gzip"}).GetExchanges()[0]
		got := told(e)
		if len(got) != 4 || got[0] != `grpc "one"` || got[1] != `grpc ""` || !strings.HasPrefix(got[2], `grpc "token [redacted github_token 40 `) || got[3] != `grpc "" compressed truncated` {
			t.Errorf("read by %d: %q", size, got)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(frame(0x81, "hello")+frame(0x01, "a")+frame(0x80, "b"), 3)
	f.Add("\x00\x00\x00\x00\x03one", 2)
	f.Add("data: 1\r\n\r\ndata: 2\r\r", 1)
	f.Fuzz(func(t *testing.T, stream string, size int) {
		size = max(1, min(size, 1000))
		for name, make := range map[string]func(direction) parser{
			"WebSocket": func(d direction) parser { return &webSocketParser{direction: d} },
			"gRPC":      func(d direction) parser { return &grpcParser{direction: d} },
			"events":    func(d direction) parser { return &eventParser{direction: d} },
		} {
			read := func(size int) string {
				m := &messages{tap: newTap(t, nil), limit: 100}
				p := make(direction{to: m, limit: 50})
				for rest := []byte(stream); len(rest) > 0; {
					n := min(size, len(rest))
					p.feed(rest[:n])
					rest = rest[n:]
				}
				out := ""
				for _, n := range m.list {
					n.at = time.Time{}
					out += fmt.Sprintf("%v\n", n)
				}
				return out
			}
			if once, pieces := read(len(stream)+1), read(size); once != pieces {
				t.Errorf("%s: %q\nonce   %q\npieces %q", name, stream, once, pieces)
			}
		}
	})
}

func BenchmarkMessages(b *testing.B) {
	for name, c := range map[string]struct {
		p      func(direction) parser
		stream string
	}{
		"WebSocket": {func(d direction) parser { return &webSocketParser{direction: d} }, frame(0x81, strings.Repeat("x", 1000))},
		"gRPC":      {func(d direction) parser { return &grpcParser{direction: d} }, "\x00\x00\x00\x03\xe8" + strings.Repeat("x", 1000)},
		"events":    {func(d direction) parser { return &eventParser{direction: d} }, "data: " + strings.Repeat("x", 1000) + "\n\n"},
	} {
		b.Run(name, func(b *testing.B) {
			m := &messages{tap: newTap(b, nil), limit: 0} // parsed, counted, not kept
			p := c.p(direction{to: m, limit: 2000})
			stream := []byte(c.stream)
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				p.feed(stream)
			}
		})
	}
}
