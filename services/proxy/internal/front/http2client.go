package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/pipeline"
)

// http2Client is the way back to who sent a request.
type http2Client struct {
	ctx      context.Context
	w        http.ResponseWriter
	method   string
	patience time.Duration      // for the client to take a part of the body; 0: no limit
	slow     prometheus.Counter // of those that did not
}

var _ pipeline.Client = (*http2Client)(nil)

// Informational sends a 1xx response.
func (c *http2Client) Informational(status int, h message.Header) error {
	if status < 102 {
		return nil // net/http asks for the body itself, and HTTP/2 has no 101 (RFC 9113 section 8.6)
	}
	out := c.w.Header()
	for _, f := range h {
		if !owned(f.Name) {
			out.Add(f.Name, f.Value)
		}
	}
	c.w.WriteHeader(status)
	clear(out)
	return nil
}

// Respond sends the head, the body and the trailers.
func (c *http2Client) Respond(res *message.Response, flush bool) error {
	defer res.Body.Close()
	announced := c.head(res)
	c.w.WriteHeader(res.Status)
	rc := http.NewResponseController(c.w)
	if flush || announced {
		// With trailers to come this also keeps net/http from giving a short body
		// a content-length, which would leave no room for them.
		if err := rc.Flush(); err != nil {
			return err
		}
	}
	if c.method != http.MethodHead {
		if err := c.copy(rc, res.Body, flush); err != nil {
			return err
		}
	}
	c.trailers(res.Trailer)
	return nil
}

// head sets the header fields and reports whether trailers were announced.
func (c *http2Client) head(res *message.Response) (announced bool) {
	out := c.w.Header()
	for _, f := range res.Header {
		if owned(f.Name) {
			continue
		}
		out.Add(f.Name, f.Value)
	}
	if out["Content-Type"] == nil {
		out["Content-Type"] = nil // or net/http guesses one
	}
	if c.method == http.MethodHead || !message.BodyAllowed(res.Status) {
		if v := res.Header.Get("content-length"); v != "" && res.Status != http.StatusNoContent {
			out.Set("Content-Length", v)
		}
		return false
	}
	for _, f := range res.Trailer {
		out.Add("Trailer", f.Name)
	}
	if res.ContentLength >= 0 && len(res.Trailer) == 0 {
		out.Set("Content-Length", strconv.FormatInt(res.ContentLength, 10))
	}
	return len(res.Trailer) > 0
}

// owned are the fields that the connection to the client decides about.
func owned(name string) bool {
	return message.EqualName(name, "content-length") || message.EqualName(name, "connection") ||
		message.EqualName(name, "transfer-encoding") || message.EqualName(name, "trailer") ||
		message.EqualName(name, "keep-alive") || message.EqualName(name, "proxy-connection") || message.EqualName(name, "upgrade")
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

func (c *http2Client) copy(rc *http.ResponseController, body io.Reader, flush bool) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	watch := newStall(c.patience, func() {
		c.slow.Inc()
		_ = rc.SetWriteDeadline(longAgo) // resets the stream, so that the write returns
	})
	defer watch.stop()
	for {
		n, err := body.Read(*buf)
		if n > 0 {
			watch.start()
			err := c.write(rc, (*buf)[:n], flush)
			watch.stop()
			if err != nil {
				return fmt.Errorf("write to the client: %w", err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			_ = rc.Flush() // what came is the client's; then the cut tells that it is not all
			return &pipeline.BodyError{Cause: err}
		}
	}
}

// write returns when the client's windows took p.
func (c *http2Client) write(rc *http.ResponseController, p []byte, flush bool) error {
	if _, err := c.w.Write(p); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		return err
	}
	if flush {
		return rc.Flush()
	}
	return nil
}

// stall calls back when something takes too long. A nil stall never does.
type stall struct {
	patience time.Duration
	timer    *time.Timer
}

func newStall(patience time.Duration, f func()) *stall {
	if patience <= 0 {
		return nil
	}
	s := &stall{patience: patience, timer: time.AfterFunc(patience, f)}
	s.timer.Stop()
	return s
}

func (s *stall) start() {
	if s != nil {
		s.timer.Reset(s.patience)
	}
}

func (s *stall) stop() {
	if s != nil {
		s.timer.Stop()
	}
}

var errNoUpgrade = errors.New("HTTP/2 does not switch protocols")

// Upgrade implements pipeline.Client. No request of HTTP/2 asks for it (RFC 9113
// section 8.6).
func (c *http2Client) Upgrade(_ *message.Response, upstream io.ReadWriteCloser) error {
	_ = upstream.Close() // of no use
	return errNoUpgrade
}

// trailers sends the trailers. Those that no Trailer field announced, as is usual
// in HTTP/2, need net/http's prefix.
func (c *http2Client) trailers(t message.Header) {
	out := c.w.Header()
	for _, f := range t {
		if f.Value == "" {
			continue
		}
		name := http.CanonicalHeaderKey(f.Name)
		if !contains(out["Trailer"], name) {
			name = http.TrailerPrefix + name
		}
		out.Add(name, f.Value)
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if message.EqualName(n, name) {
			return true
		}
	}
	return false
}
