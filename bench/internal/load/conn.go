//go:build linux

package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sluice.dev/bench/internal/poll"
)

// conn is one keep-alive connection with at most one request on it.
type conn struct {
	fd    int
	due   time.Time // when its request was to be sent
	head  []byte    // of a response, while it is not whole
	left  int       // bytes of the body that are still to come
	begun bool      // the head was read
}

var (
	endOfHead     = []byte("\r\n\r\n")
	statusOK      = []byte("HTTP/1.1 200 ")
	contentLength = []byte("\r\ncontent-length:")
)

// read takes in what is there, and reports whether the response is whole.
func (c *conn) read(buf []byte) (whole bool, err error) {
	n, err := poll.Read(c.fd, buf)
	if err != nil || n == 0 {
		return false, err
	}
	got := buf[:n]
	if !c.begun {
		if len(c.head) > 0 {
			got = append(c.head, got...)
			c.head = nil
		}
		end := bytes.Index(got, endOfHead)
		if end < 0 {
			c.head = bytes.Clone(got)
			return false, nil
		}
		if c.left, err = length(got[:end+2]); err != nil {
			return false, err
		}
		c.begun, got = true, got[end+len(endOfHead):]
	}
	switch c.left -= len(got); {
	case c.left < 0:
		return false, errors.New("the response is longer than it says")
	case c.left > 0:
		return false, nil
	}
	c.begun = false
	return true, nil
}

// length is the length of the body of a response that is as expected.
func length(head []byte) (int, error) {
	if !bytes.HasPrefix(head, statusOK) {
		line, _, _ := bytes.Cut(head, []byte("\r\n"))
		return 0, fmt.Errorf("the answer is %q", line)
	}
	at := field(head, contentLength)
	if at < 0 {
		return 0, fmt.Errorf("the answer has no Content-Length: %q", head)
	}
	value, _, _ := bytes.Cut(head[at:], []byte("\r"))
	n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
	if err != nil {
		return 0, fmt.Errorf("the answer's Content-Length: %w", err)
	}
	return n, nil
}

// field finds the value of a field by its lower-case name; -1 when there is none.
func field(head, name []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(head[from:], '\r')
		if i < 0 || len(head)-from-i < len(name) {
			return -1
		}
		from += i
		if bytes.EqualFold(head[from:from+len(name)], name) {
			return from + len(name)
		}
		from++
	}
}
