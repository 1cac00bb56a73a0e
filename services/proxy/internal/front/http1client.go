package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
	"sluice.dev/services/proxy/internal/pipeline"
)

var _ pipeline.Client = (*http1Conn)(nil)

// Respond sends the head, the body and the trailers.
func (c *http1Conn) Respond(res *message.Response, flush bool) error {
	defer res.Body.Close()
	c.settleContinue()
	framing := http1.ResponseFraming(res, c.req.Method, c.req.Minor)
	c.abrupt = framing == http1.UntilClose
	keep := c.persists() && !c.front.draining.Load()
	options := http1.Connection{Close: !keep, KeepAlive: keep && c.req.Minor == 0}
	if err := c.head(res, framing, options); err != nil {
		return err
	}
	if err := c.out.Body(res.Body, framing, &res.Trailer, flush); err != nil {
		return sendError(err)
	}
	if framing == http1.NoBody && c.req.Method != "HEAD" {
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return &pipeline.BodyError{Cause: err}
		}
	}
	return nil
}

// head holds the head back. A policy may have made fields that cannot be sent;
// they are left out, as losing them harms less than losing the response.
func (c *http1Conn) head(res *message.Response, f http1.Framing, options http1.Connection) error {
	now := time.Now()
	err := c.out.Response(res, f, options, now)
	if err == nil {
		return nil
	}
	c.front.log.Warn("a response had fields that cannot be sent; they were left out", "status", res.Status, "error", err)
	clean := *res
	clean.Header = nil
	for _, field := range res.Header {
		if message.ValidName(field.Name) && message.ValidValue(field.Value) {
			clean.Header = append(clean.Header, field)
		}
	}
	return c.out.Response(&clean, f, options, now)
}

// sendError tells the body's failures from the client's.
func sendError(err error) error {
	var broken *http1.SourceError
	if errors.As(err, &broken) {
		return &pipeline.BodyError{Cause: broken.Cause}
	}
	return fmt.Errorf("write to the client: %w", err)
}

// Upgrade answers 101 and then carries bytes both ways until both sides are done
// or the connection's context ends.
func (c *http1Conn) Upgrade(res *message.Response, upstream io.ReadWriteCloser) error {
	defer upstream.Close()
	whole := c.closeBody()
	c.watch.stop()
	if c.upgraded = true; !whole {
		return errBodyClosed // its rest would be taken for the other protocol
	}
	_ = c.nc.SetReadDeadline(time.Time{}) // fails only on a closed connection, as reading will
	c.front.forget(c)                     // a drain does not wait for it
	cut := func() { _, _ = c.nc.Close(), upstream.Close() }
	defer context.AfterFunc(c.ctx, cut)()
	protocol := http1.Upgrade(res.Header)
	if err := c.out.Response(res, http1.NoBody, http1.Connection{Upgrade: protocol}, time.Time{}); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		return fmt.Errorf("write to the client: %w", err)
	}
	return carryBoth(upstream, c.in, c.nc, cut)
}
