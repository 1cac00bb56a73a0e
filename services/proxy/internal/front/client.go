package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/pipeline"
)

// client is the way back to who sent a request.
type client struct {
	ctx    context.Context
	w      http.ResponseWriter
	method string
}

var _ pipeline.Client = (*client)(nil)

// Informational sends a 1xx response.
func (c *client) Informational(status int, h message.Header) error {
	out := c.w.Header()
	for _, f := range h {
		out.Add(f.Name, f.Value)
	}
	c.w.WriteHeader(status)
	clear(out)
	return nil
}

// Respond sends the head, the body and the trailers.
func (c *client) Respond(res *message.Response, flush bool) error {
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
func (c *client) head(res *message.Response) (announced bool) {
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
		message.EqualName(name, "keep-alive")
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

func (c *client) copy(rc *http.ResponseController, body io.Reader, flush bool) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for {
		n, err := body.Read(*buf)
		if n > 0 {
			if _, err := c.w.Write((*buf)[:n]); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
				return fmt.Errorf("write to the client: %w", err)
			}
			if flush {
				if err := rc.Flush(); err != nil {
					return fmt.Errorf("write to the client: %w", err)
				}
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

// trailers sends the trailers. Those that no Trailer field announced, as is usual
// in HTTP/2, need net/http's prefix.
func (c *client) trailers(t message.Header) {
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
