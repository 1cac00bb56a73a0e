package front

import (
	"context"
	"errors"
	"time"
)

// longAgo as a deadline interrupts what waits for a connection.
var longAgo = time.Unix(1, 0)

// drain ends idle connections at once, waits for the others, and cuts off those
// that take too long.
func (s *Server) drain() {
	s.draining.Store(true)
	patience, cancel := context.WithTimeout(context.Background(), s.cfg.DrainTimeout)
	defer cancel()
	http2 := make(chan error, 1)
	go func() { http2 <- s.http2.server.Shutdown(patience) }()
	err := s.awaitAll(patience)
	if err = errors.Join(err, <-http2); err != nil {
		s.log.Warn("requests were cut off at the end of the drain", "address", s.Address(), "drain", s.cfg.DrainTimeout)
		s.cut()
	}
}

// awaitAll waits until no connection serves a request.
func (s *Server) awaitAll(ctx context.Context) error {
	for s.wakeIdle() > 0 {
		select {
		case <-s.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// wakeIdle interrupts the connections that wait for a request, and returns how many
// connections there are.
func (s *Server) wakeIdle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.waiting.Load() {
			_ = c.below.SetReadDeadline(longAgo) // fails only on a closed connection
		}
	}
	return len(s.conns)
}

func (s *Server) cut() {
	s.stop()
	_ = s.http2.server.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.below.Close() // what is on it is lost, as was logged
	}
}
