package native

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"sluice.dev/platform/clickhouse/embedded/engine"
)

const (
	maxSessions = 512
	// drainLimit is how long running queries may go on after Serve is told to end.
	drainLimit = 10 * time.Second
)

// Server serves one engine to many clients.
type Server struct {
	engine   *engine.Engine
	password string // what clients must present; empty: anything goes
	log      *slog.Logger
	identity identity
	killer   *killer

	mu       sync.Mutex
	sessions map[*session]struct{}
	next     uint64
	wg       sync.WaitGroup
}

// identity is what the server says of itself.
type identity struct {
	major, minor, patch uint64
	timezone, host      string
}

// New prepares a server. Clients whose password differs are refused, unless it
// is empty.
func New(e *engine.Engine, password string, log *slog.Logger) (*Server, error) {
	conn, err := e.Connect()
	if err != nil {
		return nil, err
	}
	id, err := readIdentity(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &Server{
		engine: e, password: password, log: log, identity: id,
		killer: newKiller(conn, log), sessions: map[*session]struct{}{},
	}, nil
}

func readIdentity(conn *engine.Conn) (identity, error) {
	result, err := conn.QueryAs("SELECT version(), timezone()", "TSVRaw")
	if err != nil {
		return identity{}, fmt.Errorf("asking the engine for its version: %w", err)
	}
	defer result.Release()
	version, timezone, _ := strings.Cut(strings.TrimSpace(string(result.Bytes())), "\t")
	id := identity{timezone: timezone}
	for i, part := range strings.SplitN(version, ".", 4) {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return identity{}, fmt.Errorf("the engine has the version %q, which is not of numbers", version)
		}
		switch i {
		case 0:
			id.major = n
		case 1:
			id.minor = n
		case 2:
			id.patch = n
		}
	}
	id.host, _ = os.Hostname() // for display only
	return id, nil
}

// Serve accepts clients until ctx ends. Then running queries get a while to
// finish, and the rest are killed. The server can't be used again.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	background, stopKiller := context.WithCancel(context.Background())
	var killing sync.WaitGroup
	killing.Go(func() { s.killer.run(background) })
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()

	err := s.accept(ctx, listener)
	s.drain()
	stopKiller()
	killing.Wait()
	s.killer.conn.Close()
	return err
}

func (s *Server) accept(ctx context.Context, listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accepting clients: %w", err)
		case err != nil: // out of descriptors or the like: it may pass
			s.log.Warn("accepting a client failed", "error", err)
			time.Sleep(50 * time.Millisecond)
			continue
		}
		s.start(conn)
	}
}

func (s *Server) start(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	session := newSession(s, conn, fmt.Sprintf("sluice-session-%d", s.next))
	session.refused = len(s.sessions) >= maxSessions
	s.sessions[session] = struct{}{}
	s.wg.Go(func() {
		defer s.forget(session)
		session.serve()
	})
}

func (s *Server) forget(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
}

// drain ends idle sessions at once, waits for busy ones and kills what remains.
func (s *Server) drain() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.wg.Wait()
	}()
	s.eachSession((*session).drain)
	select {
	case <-done:
		return
	case <-time.After(drainLimit):
	}
	s.eachSession(func(session *session) {
		s.killer.add(session.tag)
		session.conn.Close()
	})
	<-done
}

func (s *Server) eachSession(do func(*session)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.sessions {
		do(session)
	}
}
