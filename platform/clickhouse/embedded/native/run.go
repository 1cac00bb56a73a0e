package native

import (
	"errors"
	"time"

	"sluice.dev/platform/clickhouse/embedded/engine"
)

// tickInterval is how often a client that waits hears that its query is alive.
const tickInterval = 500 * time.Millisecond

// query serves a Query packet. A failed query is the client's to know; only a
// broken or confused connection is an error here.
func (s *session) query() error {
	q, err := s.in.query()
	if err != nil {
		return s.hangUp(&engine.Error{Code: codeProtocol, Message: "reading the query: " + err.Error()})
	}
	external, err := s.externalTables(q)
	if err != nil {
		return s.hangUp(&engine.Error{Code: codeProtocol, Message: "reading the query's tables: " + err.Error()})
	}
	if external {
		err = &engine.Error{Code: codeNotImplemented, Message: "external tables are not supported by the embedded ClickHouse server: use a temporary table or an array parameter"}
	} else {
		err = s.run(q)
	}
	var broken *brokenError
	if errors.As(err, &broken) {
		return broken.cause
	}
	if err != nil {
		s.out.exception(asEngineError(err))
	} else {
		s.out.packet(serverEndOfStream)
	}
	return s.out.flush()
}

// brokenError is a failure of the connection, as opposed to one of the query.
type brokenError struct{ cause error }

func (e *brokenError) Error() string { return e.cause.Error() }

func (e *brokenError) Unwrap() error { return e.cause }

func broken(err error) error {
	if err == nil {
		return nil
	}
	return &brokenError{err}
}

// externalTables reads the blocks that follow a query up to the empty one and
// reports whether there was any besides.
func (s *session) externalTables(q *query) (bool, error) {
	for found := false; ; found = true {
		block, err := s.dataPacket(q)
		if err != nil {
			return false, err
		}
		if len(block.fields) == 0 {
			return found, nil
		}
	}
}

func (s *session) run(q *query) error {
	s.out.beginProgress()
	if err := s.settings.apply(q.settings); err != nil {
		return err
	}
	statement := parseStatement(q.sql)
	switch statement.kind {
	case insert:
		return s.runInsert(q, statement)
	case rows:
		return s.runSelect(q, statement)
	default:
		return s.runWhole(q, statement)
	}
}

// attended runs do, which occupies the engine, while watching the connection:
// a cancel or the client's leaving kills the query, and a client that waits
// gets a sign of life now and then. It reports whether the client cancelled.
func (s *session) attended(do func() error) (cancelled bool, err error) {
	watch := make(chan bool, 1)
	go func() { watch <- s.watch() }()
	ticker, done := time.NewTicker(tickInterval), make(chan struct{})
	ticked := make(chan struct{})
	go func() {
		defer close(ticked)
		for {
			select {
			case <-ticker.C:
				s.out.tick()
			case <-done:
				return
			}
		}
	}()

	err = do()

	close(done)
	ticker.Stop()
	<-ticked
	if deadline := s.conn.SetReadDeadline(time.Unix(1, 0)); deadline != nil {
		<-watch
		s.server.killer.remove(s.tag)
		return false, broken(deadline)
	}
	cancelled = <-watch
	s.server.killer.remove(s.tag)
	return cancelled, errors.Join(err, broken(s.conn.SetReadDeadline(time.Time{})))
}

// watch waits for the client to say something while its query runs, and kills
// the query when that is a cancel or a goodbye.
func (s *session) watch() (cancelled bool) {
	next, err := s.in.plain.Peek(1)
	switch {
	case err != nil && isTimeout(err): // the query ended first
		return false
	case err != nil:
		s.server.killer.add(s.tag)
		return false
	case next[0] == clientCancel:
		s.server.killer.add(s.tag)
		_, _ = s.in.plain.Discard(1) // it is in the buffer
		return true
	}
	return false
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
