package export

import (
	"io"

	"google.golang.org/genproto/googleapis/api/httpbody"
)

// chunkSize is the most bytes of one message of the stream.
const chunkSize = 64 << 10

// Chunks is a writer whose content goes out as messages of a gRPC stream. The
// first one, sent even when there is no content, tells the content type.
func Chunks(contentType string, send func(*httpbody.HttpBody) error) io.WriteCloser {
	return &chunks{send: send, contentType: contentType, buffer: make([]byte, 0, chunkSize)}
}

type chunks struct {
	send        func(*httpbody.HttpBody) error
	contentType string
	buffer      []byte
	sent        bool
}

func (c *chunks) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), chunkSize-len(c.buffer))]
		c.buffer = append(c.buffer, part...)
		n, p = n+len(part), p[len(part):]
		if len(c.buffer) == chunkSize {
			if err := c.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (c *chunks) flush() error {
	message := &httpbody.HttpBody{Data: c.buffer}
	if !c.sent {
		message.ContentType = c.contentType
	}
	c.sent = true
	c.buffer = make([]byte, 0, chunkSize)
	return c.send(message)
}

// Close sends what is left.
func (c *chunks) Close() error {
	if len(c.buffer) == 0 && c.sent {
		return nil
	}
	return c.flush()
}
