package transport

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"sluice.dev/services/proxy/internal/http1"
)

const (
	// continueTimeout is how long a body waits for "100 Continue". A server need not
	// send it (RFC 9110 section 10.1.1).
	continueTimeout = time.Second
	// lateSending is how long a body may still be sent after the whole response.
	lateSending = 5 * time.Second
)

// sender sends a request's body on a goroutine of its own.
type sender struct {
	begun    bool
	goes     chan bool // whether to send the body; nil when it is sent at once
	mu       sync.Mutex
	final    bool        // the response's head has come
	fault    error       // what the body did wrong, or that the server stopped taking it
	late     atomic.Bool // the response is whole: its deadline holds
	decision sync.Once
}

func newSender(expects bool) *sender {
	s := &sender{}
	if expects {
		s.goes = make(chan bool, 1)
	}
	return s
}

// tryStreaming sends the head, has the body sent and waits for the response's head.
func (x *exchange) tryStreaming() error {
	x.conn.limit(time.Time{}, 0) // the response is not due yet
	x.out.To(paced{x})
	n, err := x.conn.Write(x.out.Pending())
	if x.trace.Begun = n > 0; err != nil {
		return err // the head is still held back
	}
	x.trace.Sent = time.Now()
	x.out.Discard()
	x.parts.Store(2)
	x.sender.begun = true
	go x.send(x.Request.Body) // the request may have another body by the time it runs
	if err := x.conn.in.Wait(); err != nil {
		if fault := x.sender.failure(); fault != nil {
			return fault
		}
		return err
	}
	return x.receive()
}

// send runs on its own goroutine.
func (x *exchange) send(body io.Reader) {
	s := x.sender
	if !s.wait() {
		x.release(false)
		return
	}
	err := x.out.Body(body, x.framing, &x.Request.Trailer, x.framing == http1.Chunked)
	var fault *http1.SourceError
	var unsendable *http1.UnsendableError
	switch {
	case errors.As(err, &fault) || errors.As(err, &unsendable) || errors.Is(err, os.ErrDeadlineExceeded) && !s.late.Load():
		s.fail(err)
		x.conn.close() // the server would wait for the rest
		x.release(false)
	case err != nil:
		// The server may have answered without reading all; that is for the reader.
		x.spoiled.Store(true)
		if x.parts.Add(-1) == 0 {
			x.unwatch()
			x.conn.close()
		}
	default:
		s.done(x)
		x.release(true)
	}
	x.out.Discard()
}

// paced gives each write of a body its time.
type paced struct{ *exchange }

func (w paced) Write(p []byte) (int, error) {
	if d := w.limits.Pause; d > 0 && !w.sender.late.Load() {
		_ = w.conn.SetWriteDeadline(time.Now().Add(d)) // fails only on a closed connection, as writing will
	}
	return w.conn.Write(p)
}

// wait reports whether the body is to be sent.
func (s *sender) wait() bool {
	if s.goes == nil {
		return true
	}
	patience := time.NewTimer(continueTimeout)
	defer patience.Stop()
	select {
	case send := <-s.goes:
		return send
	case <-patience.C:
		return true
	}
}

// goOn tells the sender, once, whether the server wants the body.
func (s *sender) goOn(send bool) {
	s.decision.Do(func() {
		if s.goes != nil {
			s.goes <- send
		}
	})
}

// answered notes that the response has come: a body that was not asked for is not
// sent any more.
func (s *sender) answered() {
	s.goOn(false)
	s.mu.Lock()
	s.final = true
	s.mu.Unlock()
}

// done notes that the request was sent; now the response is waited for.
func (s *sender) done(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.final {
		x.sent(time.Now())
	}
}

func (s *sender) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

// failure is why sending ended early, or nil.
func (s *sender) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// abandon ends a call that has failed.
func (x *exchange) abandon() {
	if x.sender != nil && x.sender.begun {
		x.sender.answered() // as far as there is an answer
		return              // the sender uses the writer until it fails
	}
	x.out.Discard()
}
