package tap

import (
	"sync"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
)

// messageBytes bounds the contents of all messages of one exchange, in bytes.
const messageBytes = 4 << 20

// messages are those of one exchange, in the order in which they ended. Both
// directions add to them.
type messages struct {
	tap   *Tap
	limit int // messages that are kept

	mu      sync.Mutex
	list    []note
	bytes   int
	omitted uint64
	sealed  bool
}

// note is one message.
type note struct {
	direction  capturev1.Message_Direction
	kind       capturev1.Message_Kind
	at         time.Time
	content    []byte
	size       uint64
	compressed bool
}

func (m *messages) add(n note) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sealed {
		return
	}
	if len(m.list) >= m.limit || m.bytes+len(n.content) > messageBytes || !m.tap.charge(len(n.content)) {
		m.omitted++
		return
	}
	m.bytes += len(n.content)
	n.at = time.Now()
	m.list = append(m.list, n)
}

// seal ends the notes and returns what they take in memory.
func (m *messages) seal() int {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sealed = true
	m.tap.charge(-m.bytes)
	return m.bytes + len(m.list)*128
}

// direction is one way of an exchange's messages.
type direction struct {
	to    *messages
	which capturev1.Message_Direction
	limit int // bytes of one message that are kept
}

// partial is a message whose end is not there yet.
type partial struct {
	content []byte
	size    uint64
}

func (p *partial) add(b []byte, limit int) {
	p.size += uint64(len(b))
	if room := limit - len(p.content); room > 0 {
		p.content = append(p.content, b[:min(room, len(b))]...)
	}
}

// end passes the message on.
func (d *direction) end(p *partial, kind capturev1.Message_Kind, compressed bool) {
	d.to.add(note{direction: d.which, kind: kind, content: p.content, size: p.size, compressed: compressed})
	*p = partial{}
}

// parsers begins to look for messages in a body that has some; with none it
// returns nil.
func (r *Recording) parserFor(h message.Header, which capturev1.Message_Direction, limit int) parser {
	if !r.plan.full || limit == 0 {
		return nil
	}
	media := mediaType(h)
	switch {
	case isGRPC(media):
		return &grpcParser{direction: r.way(which, limit)}
	case media == "text/event-stream" && which == capturev1.Message_DIRECTION_SERVER_TO_CLIENT && !h.Has("content-encoding"):
		return &eventParser{direction: r.way(which, limit)}
	}
	return nil
}

func (r *Recording) way(which capturev1.Message_Direction, limit int) direction {
	if r.messages == nil {
		r.messages = &messages{tap: r.tap, limit: r.settings.messages}
	}
	return direction{to: r.messages, which: which, limit: limit}
}
