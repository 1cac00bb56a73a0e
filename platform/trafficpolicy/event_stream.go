package trafficpolicy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/coding"
)

// maxEvent bounds a message of an event stream, which is held in memory.
const maxEvent = 1 << 20 // bytes

var (
	errEventTooLarge = fmt.Errorf("a message of the event stream has more than %d bytes", maxEvent)
	errReleased      = errors.New("the event stream is read after its exchange has ended")
)

// EventStreamMessage is a message of a response of type text/event-stream (HTML
// standard, section 9.2).
type EventStreamMessage struct {
	Event string // its type
	ID    string
	Data  string // its lines joined by line feeds
	Retry string

	hasData, hasRetry bool
}

// OnEventStreamMessage runs the phase of one message; actions change it in place.
// An outcome means that the stream must end. The body that [Run.OnResponse]
// leaves calls it.
func (r *Run) OnEventStreamMessage(ctx context.Context, m *EventStreamMessage) (*Outcome, error) {
	records, spent := len(r.records), len(r.spent)
	r.event = m
	out, err := r.phase(ctx, OnEventStreamMessage)
	r.event = nil
	if out == nil { // or a long stream would fill the memory with its trace
		clear(r.records[records:])
		r.records, r.spent = r.records[:records], r.spent[:spent]
	}
	return out, err
}

// filterEvents puts the phase of messages between the upstream's body and
// everything else that is done with it.
func (r *Run) filterEvents(ctx context.Context, res *message.Response) *Outcome {
	if res.Body == nil {
		return nil
	}
	if encoding := strings.Join(res.Header.Values("content-encoding"), ","); encoding != "" {
		plain, err := coding.Reader(res.Body, encoding)
		if err != nil {
			out := refuse(CodeBodyRewrite)
			out.Cause, out.Phase = fmt.Errorf("on_event_stream_message: %w", err), OnEventStreamMessage
			r.facts.ErrorCode = CodeBodyRewrite
			return out
		}
		res.Body = plain
		res.Header.Del("content-encoding")
	}
	r.events = &eventStream{source: res.Body, run: r, ctx: ctx}
	res.Body, res.ContentLength = r.events, -1
	res.Header.Del("content-length")
	contentChanged(&res.Header)
	return nil
}

// eventStream gives the messages of source as the policy leaves them, each as
// soon as it is complete. A message that no action changes stays byte for byte.
type eventStream struct {
	source io.ReadCloser
	run    *Run
	ctx    context.Context
	in     []byte // of the message that is not complete
	seen   int    // bytes of in that were looked at
	line   int    // where the line that seen is in begins
	began  bool   // the first message was taken
	cr     bool   // the byte before was a carriage return that ended a line
	out    []byte // to be read
	err    error  // after out
	chunk  [4 << 10]byte
}

// Close implements io.Closer.
func (s *eventStream) Close() error { return s.source.Close() }

// Read implements io.Reader.
func (s *eventStream) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		if s.run.events != s {
			return 0, errReleased
		}
		n, err := s.source.Read(s.chunk[:])
		s.in = append(s.in, s.chunk[:n]...)
		s.split()
		if s.err == nil && err != nil {
			s.finish(err)
		}
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// finish takes what is left as a message, too: some clients do.
func (s *eventStream) finish(err error) {
	if errors.Is(err, io.EOF) && len(s.in) > 0 {
		s.take(len(s.in))
	}
	if s.err == nil {
		s.err = err
	}
}

// split takes the messages that are complete: an empty line ends one. Lines end
// with a carriage return, a line feed or both.
func (s *eventStream) split() {
	for s.seen < len(s.in) && s.err == nil {
		c := s.in[s.seen]
		s.seen++
		switch {
		case c == '\n' && s.cr: // the second half of a line's end
			s.cr = false
			s.line = s.seen
			if s.seen == 1 { // whose message was taken already
				s.out = append(s.out, c)
				s.drop(1)
			}
		case c == '\n' || c == '\r':
			s.cr = c == '\r'
			empty := s.line == s.seen-1
			s.line = s.seen
			if empty {
				s.take(s.seen)
			}
		default:
			s.cr = false
		}
	}
	if s.err == nil && len(s.in) > maxEvent {
		s.err = errEventTooLarge
	}
}

// drop forgets the first n bytes that came in.
func (s *eventStream) drop(n int) {
	s.in = append(s.in[:0], s.in[n:]...)
	s.seen, s.line = 0, 0
}

// take runs the policy on a message of n bytes.
func (s *eventStream) take(n int) {
	if n > maxEvent {
		s.err = errEventTooLarge
		return
	}
	raw := s.in[:n]
	if !s.began {
		s.began = true
		if rest, found := bytes.CutPrefix(raw, byteOrderMark); found {
			s.out, raw = append(s.out, byteOrderMark...), rest
		}
	}
	m := parseEvent(raw)
	before := m
	out, err := s.run.OnEventStreamMessage(s.ctx, &m)
	switch {
	case err != nil:
		s.err = err
	case out != nil:
		s.err = fmt.Errorf("on_event_stream_message: %w", errors.Join(out.Cause, errors.New(out.ErrorCode.info().Meaning)))
	case m == before:
		s.out = append(s.out, raw...)
	default:
		s.out = m.write(s.out, raw)
	}
	s.drop(n)
}

// byteOrderMark may stand before the first message.
var byteOrderMark = []byte("\uFEFF")

// eventLines takes a message apart. Empty lines at its end are left out.
func eventLines(raw []byte) []string {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(raw))
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}

func parseEvent(raw []byte) EventStreamMessage {
	var m EventStreamMessage
	var data []string
	for _, line := range eventLines(raw) {
		switch name, value := eventField(line); name {
		case "data":
			data, m.hasData = append(data, value), true
		case "event":
			m.Event = value
		case "id":
			m.ID = value
		case "retry":
			m.Retry, m.hasRetry = value, true
		}
	}
	m.Data = strings.Join(data, "\n")
	return m
}

// eventField is a line's name and value; a comment has no name.
func eventField(line string) (name, value string) {
	name, value, _ = strings.Cut(line, ":")
	return name, strings.TrimPrefix(value, " ")
}

// write appends the message: data and retry as they are now, where they stood
// first, and the other lines as they came.
func (m *EventStreamMessage) write(out, raw []byte) []byte {
	data, retry := m.hasData, m.hasRetry
	for _, line := range eventLines(raw) {
		switch name, _ := eventField(line); {
		case name == "data" && data:
			for _, part := range eventLines([]byte(m.Data)) {
				out = append(append(append(out, "data: "...), part...), '\n')
			}
			data = false
		case name == "retry" && retry:
			first, _, _ := strings.Cut(m.Retry, "\n")
			out = append(append(append(out, "retry: "...), strings.TrimSpace(first)...), '\n')
			retry = false
		case name != "data" && name != "retry":
			out = append(append(out, line...), '\n')
		}
	}
	return append(out, '\n')
}
