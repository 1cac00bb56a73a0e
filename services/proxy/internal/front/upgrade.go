package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"sluice.dev/platform/message"
)

// linger is how long one direction may go on after the other has ended.
const linger = 5 * time.Second

// Upgrade answers 101 and then carries bytes both ways until both sides are
// done or the request's context ends.
func (c *client) Upgrade(res *message.Response, upstream io.ReadWriteCloser) error {
	defer upstream.Close()
	peer, buffered, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		return fmt.Errorf("take over the client's connection: %w", err)
	}
	defer peer.Close()
	cut := func() { _, _ = peer.Close(), upstream.Close() }
	defer context.AfterFunc(c.ctx, cut)() // the end of a drain
	if err := writeHead(peer, res); err != nil {
		return fmt.Errorf("write to the client: %w", err)
	}
	done := make(chan error, 2)
	go func() { done <- carry(upstream, buffered) }()
	go func() { done <- carry(peer, upstream) }()
	err = <-done
	if err != nil {
		cut() // one direction broke: the other would wait for ever
	}
	defer time.AfterFunc(linger, cut).Stop()
	if second := <-done; err == nil {
		err = second
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func writeHead(w io.Writer, res *message.Response) error {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", res.Status, http.StatusText(res.Status))
	for _, f := range res.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
	}
	b.WriteString("\r\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// carry copies until from ends and passes the end on. net.ErrClosed is the
// doing of the other direction and no failure.
func carry(to io.Writer, from io.Reader) error {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		return half.CloseWrite()
	}
	if err == nil {
		return net.ErrClosed // no half close: end both directions
	}
	return err
}
