package front

import (
	"errors"
	"io"
	"net"
	"time"
)

// linger is how long one direction may go on after the other has ended.
const linger = 5 * time.Second

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

// carryBoth carries bytes between the upstream and the client. cut ends both sides.
func carryBoth(upstream io.ReadWriter, fromClient io.Reader, toClient io.Writer, cut func()) error {
	done := make(chan error, 2)
	go func() { done <- carry(upstream, fromClient) }()
	go func() { done <- carry(toClient, upstream) }()
	err := <-done
	if err != nil {
		cut() // one direction broke: the other would wait for ever
	}
	timer := time.AfterFunc(linger, cut)
	defer timer.Stop()
	<-done //nolint:errcheck // it ends because the first direction did
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
