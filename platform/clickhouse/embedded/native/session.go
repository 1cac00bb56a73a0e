package native

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"sluice.dev/platform/clickhouse/embedded/engine"
)

// helloLimit is how long a client may take to introduce itself.
const helloLimit = 10 * time.Second

// session is one client and the engine connection that is its own.
type session struct {
	server  *Server
	conn    net.Conn
	in      *reader
	out     *writer
	engine  *engine.Conn
	tag     string // by which the killer knows the session's queries
	refused bool   // too many sessions: say so and hang up

	settings *sessionSettings
	types    typeCache
	buffer   []byte // the last block

	mu       sync.Mutex
	idle     bool // waiting for a packet between queries
	draining bool
}

func newSession(server *Server, conn net.Conn, tag string) *session {
	return &session{
		server: server, conn: conn, in: newReader(conn), out: &writer{conn: conn},
		tag: tag, types: typeCache{},
	}
}

// serve speaks to the client until it leaves.
func (s *session) serve() {
	defer s.conn.Close()
	err := s.hello()
	if s.engine != nil {
		defer s.engine.Close()
	}
	for err == nil {
		err = s.packet()
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, errDraining) {
		s.server.log.Debug("a client's connection ended", "error", err)
	}
}

// hello shakes hands: the client introduces itself, the server answers.
func (s *session) hello() error {
	if !s.awaitHello() {
		return errDraining
	}
	h, err := s.readHello()
	s.setIdle(false)
	if err != nil {
		return err
	}
	if err := s.welcome(h); err != nil {
		return s.hangUp(err)
	}
	id := s.server.identity
	s.out.packet(serverHello)
	s.out.string("ClickHouse")
	s.out.uvarint(id.major)
	s.out.uvarint(id.minor)
	s.out.uvarint(Revision)
	s.out.string(id.timezone)
	s.out.string(id.host)
	s.out.uvarint(id.patch)
	if err := s.out.flush(); err != nil {
		return err
	}
	if _, err := s.in.string(); err != nil { // the addendum: a quota key
		return err
	}
	return s.conn.SetReadDeadline(time.Time{})
}

// awaitHello limits how long the client may take; false means that the server
// is shutting down.
func (s *session) awaitHello() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = true
	return !s.draining && s.conn.SetReadDeadline(time.Now().Add(helloLimit)) == nil
}

// clientIntro is a Hello packet.
type clientIntro struct {
	revision           uint64
	database, password string
}

func (s *session) readHello() (clientIntro, error) {
	var h clientIntro
	code, err := s.in.byte()
	if err != nil {
		return h, err
	}
	if code != clientHello {
		return h, fmt.Errorf("the client began with packet %d instead of Hello", code)
	}
	if err := s.in.skipStrings(1); err != nil { // the client's name
		return h, err
	}
	if err := s.in.skipNumbers(2); err != nil { // its version
		return h, err
	}
	if h.revision, err = s.in.uvarint(); err != nil {
		return h, err
	}
	if h.database, err = s.in.string(); err != nil {
		return h, err
	}
	if err := s.in.skipStrings(1); err != nil { // the user
		return h, err
	}
	h.password, err = s.in.string()
	return h, err
}

// welcome checks the client and opens its engine connection.
func (s *session) welcome(h clientIntro) error {
	if s.refused {
		return &engine.Error{Code: codeTooManySessions, Message: fmt.Sprintf("more than %d clients are connected", maxSessions)}
	}
	want := s.server.password
	if want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(h.password)) != 1 {
		return &engine.Error{Code: codeAuthentication, Message: "Authentication failed: the password is not the one of this embedded ClickHouse"}
	}
	if h.revision < minRevision {
		return &engine.Error{Code: codeProtocol, Message: fmt.Sprintf("the client's protocol revision %d is older than %d", h.revision, minRevision)}
	}
	conn, err := s.server.engine.Connect()
	if err != nil {
		return err
	}
	s.engine = conn
	s.settings = &sessionSettings{conn: conn, applied: map[string]setting{}}
	if err := conn.Exec("SET " + tagSetting + " = " + quote(s.tag) + ", async_insert = 0"); err != nil {
		return err
	}
	if h.database == "" || h.database == "default" {
		return nil
	}
	return conn.Exec("USE " + quoteName(h.database))
}

// hangUp tells the client why, and ends the session with that error.
func (s *session) hangUp(err error) error {
	s.out.exception(asEngineError(err))
	return errors.Join(err, s.out.flush())
}

var errDraining = errors.New("the server is shutting down")

// packet waits for a packet and serves it.
func (s *session) packet() error {
	if !s.setIdle(true) {
		return errDraining
	}
	code, err := s.in.byte()
	s.setIdle(false)
	if err != nil {
		return err
	}
	switch code {
	case clientPing:
		s.out.packet(serverPong)
		return s.out.flush()
	case clientQuery:
		return s.query()
	case clientCancel: // of a query that ended meanwhile
		return nil
	default:
		return s.hangUp(&engine.Error{Code: codeProtocol, Message: fmt.Sprintf("unexpected packet %d between queries", code)})
	}
}

// setIdle reports false when the session should end instead of waiting.
func (s *session) setIdle(idle bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = idle
	return !s.draining
}

// drain ends the session as soon as no query runs.
func (s *session) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	if s.idle {
		_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // wakes the waiting read
	}
}

func asEngineError(err error) *engine.Error {
	var e *engine.Error
	if errors.As(err, &e) {
		return e
	}
	return &engine.Error{Code: codeUnknownException, Message: err.Error()}
}
