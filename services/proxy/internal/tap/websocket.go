package tap

import (
	"encoding/binary"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Frame types of RFC 6455 section 5.2.
var frameKinds = map[byte]capturev1.Message_Kind{
	1: capturev1.Message_KIND_TEXT, 2: capturev1.Message_KIND_BINARY,
	8: capturev1.Message_KIND_CLOSE, 9: capturev1.Message_KIND_PING, 10: capturev1.Message_KIND_PONG,
}

// webSocketParser reads one direction of a WebSocket. It gives up at what is no
// frame.
type webSocketParser struct {
	direction
	head   [14]byte // of the frame, as far as it is there
	have   int
	left   uint64 // bytes of the payload that are still to come
	mask   [4]byte
	masked bool
	at     int // position in the payload, for the mask
	fin    bool
	opcode byte

	inFrame    bool
	kind       capturev1.Message_Kind // of the fragmented message; 0 when there is none
	compressed bool
	data       partial // text or binary, in one or more frames
	control    partial // may come between the frames of a message
	broken     bool
}

func (w *webSocketParser) feed(p []byte) {
	for len(p) > 0 && !w.broken {
		if !w.inFrame {
			p = w.header(p)
			continue
		}
		n := uint64(len(p))
		if n > w.left {
			n = w.left
		}
		w.payload(p[:n])
		p = p[n:]
		if w.left -= n; w.left == 0 {
			w.frameEnds()
		}
	}
}

// header collects the frame's header and begins the frame when it is there.
func (w *webSocketParser) header(p []byte) []byte {
	for len(p) > 0 {
		w.head[w.have] = p[0]
		w.have++
		p = p[1:]
		if w.have >= 2 && w.have == w.headerSize() {
			w.begin()
			return p
		}
	}
	return p
}

func (w *webSocketParser) headerSize() int {
	size := 2
	switch w.head[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if w.head[1]&0x80 != 0 {
		size += 4
	}
	return size
}

func (w *webSocketParser) begin() {
	size := w.have
	w.have, w.inFrame, w.at = 0, true, 0
	w.fin, w.opcode, w.masked = w.head[0]&0x80 != 0, w.head[0]&0x0f, w.head[1]&0x80 != 0
	if w.masked {
		copy(w.mask[:], w.head[size-4:size])
	}
	switch n := w.head[1] & 0x7f; n {
	case 126:
		w.left = uint64(binary.BigEndian.Uint16(w.head[2:]))
	case 127:
		w.left = binary.BigEndian.Uint64(w.head[2:])
	default:
		w.left = uint64(n)
	}
	kind, known := frameKinds[w.opcode]
	switch {
	case w.opcode >= 8: // a control frame is whole and short
		w.broken = !known || !w.fin || w.left > 125
	case w.opcode == 0:
		w.broken = w.kind == 0
	default:
		w.broken = !known || w.kind != 0
		w.kind, w.compressed = kind, w.head[0]&0x40 != 0
	}
	if w.broken = w.broken || w.left>>63 != 0; !w.broken && w.left == 0 {
		w.frameEnds()
	}
}

// payload takes a stretch of the frame's payload.
func (w *webSocketParser) payload(p []byte) {
	into := &w.data
	if w.opcode >= 8 {
		into = &w.control
	}
	from := len(into.content)
	into.add(p, w.limit)
	if w.masked {
		for i := from; i < len(into.content); i++ {
			into.content[i] ^= w.mask[(w.at+i-from)%4]
		}
	}
	w.at = (w.at + len(p)) % 4
}

func (w *webSocketParser) frameEnds() {
	w.inFrame = false
	switch {
	case w.opcode >= 8:
		w.end(&w.control, frameKinds[w.opcode], false)
	case w.fin:
		w.end(&w.data, w.kind, w.compressed)
		w.kind = 0
	}
}
