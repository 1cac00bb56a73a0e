package tap

import (
	"bytes"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// eventParser reads the events of a text/event-stream (HTML, section 9.2): blocks
// of lines that end with an empty one. Lines end with LF, CR or both.
type eventParser struct {
	direction
	data    partial
	line    int  // bytes of the line so far
	afterCR bool // an LF that follows belongs to it
}

func (e *eventParser) feed(p []byte) {
	from := 0 // what belongs to the event and is not added yet
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == '\n' && e.afterCR {
			e.afterCR = false
			if e.line == 0 && e.data.size == 0 && from == i {
				from = i + 1 // the second half of the empty line's end
			}
			continue
		}
		e.afterCR = c == '\r'
		if c != '\n' && c != '\r' {
			n := lineLength(p[i:])
			e.line += n
			i += n - 1
			continue
		}
		if e.line > 0 {
			e.line = 0
			continue
		}
		e.data.add(p[from:i], e.limit)
		from = i + 1
		e.ends()
	}
	e.data.add(p[from:], e.limit)
}

// lineLength is how much of p comes before a line's end.
func lineLength(p []byte) int {
	if n := bytes.IndexByte(p, '\n'); n >= 0 {
		p = p[:n]
	}
	if n := bytes.IndexByte(p, '\r'); n >= 0 {
		p = p[:n]
	}
	return len(p)
}

// ends passes the event on, without the end of its last line.
func (e *eventParser) ends() {
	for n := len(e.data.content); n > 0 && uint64(n) == e.data.size && (e.data.content[n-1] == '\n' || e.data.content[n-1] == '\r'); n-- {
		e.data.content, e.data.size = e.data.content[:n-1], e.data.size-1
	}
	if e.data.size == 0 {
		e.data = partial{}
		return
	}
	e.end(&e.data, capturev1.Message_KIND_EVENT, false)
}
