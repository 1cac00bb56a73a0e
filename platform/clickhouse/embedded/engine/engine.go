package engine

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// Engine is the ClickHouse engine of this process. There can be one for the
// whole life of a process: after Close it can't be opened again.
type Engine struct {
	lib  *library
	act  sigaction
	args []string

	// mu serialises connecting: each connect resets signal handlers, and two
	// at once could save each other's.
	mu    sync.Mutex
	alive int // connections not yet closed

	// keeper stays open, because the engine stops its background work when the
	// last connection closes.
	keeper *Conn
}

// Open loads the library and starts the engine on the data directory.
func Open(options Options) (*Engine, error) {
	act, err := bindSigaction()
	if err != nil {
		return nil, err
	}
	args, err := options.prepare()
	if err != nil {
		return nil, err
	}
	e := &Engine{act: act, args: args}
	act.keepHandlers(func() {
		if e.lib, err = load(options.LibraryPath); err == nil {
			e.lib.setSignalHandlers(0)
		}
	})
	if err != nil {
		return nil, err
	}
	conn, err := e.Connect() // starts the engine; fails here when the directory is bad
	if err != nil {
		return nil, err
	}
	e.keeper = conn
	return e, nil
}

// ErrConnect is all that is known when the engine refuses a connection: the
// library gives no reason, but writes one to standard error.
var ErrConnect = errors.New("the ClickHouse engine refused the connection: the data directory is unreadable, damaged or in use by another process")

// Connect opens a connection, which is a session of its own: its current
// database, settings and temporary tables are not seen by others.
func (e *Engine) Connect() (*Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	pointers := make([]*byte, len(e.args)+1)
	for i, arg := range e.args {
		pointers[i] = unsafe.StringData(arg + "\x00")
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	for _, p := range pointers {
		if p != nil {
			pinner.Pin(p)
		}
	}
	var ref uintptr
	e.act.keepHandlers(func() { ref = e.lib.connect(int32(len(e.args)), unsafe.Pointer(&pointers[0])) })
	if ref == 0 {
		return nil, ErrConnect
	}
	e.alive++
	return &Conn{engine: e, lib: e.lib, ref: ref, handle: *(*uintptr)(at(ref))}, nil
}

// Close stops the engine's threads and flushes what it holds. It fails while a
// connection is open.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if open := e.alive - 1; open > 0 {
		return fmt.Errorf("closing the ClickHouse engine: %d connections are still open", open)
	}
	// The engine itself ends with its last connection. What shutdown adds is
	// the joining of its idle threads; it declines when a table has been used,
	// and then the end of the process does it.
	e.lib.closeConn(e.keeper.ref)
	e.act.keepHandlers(func() { e.lib.shutdown() })
	return nil
}

func (e *Engine) release(ref uintptr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lib.closeConn(ref)
	e.alive--
}

// at turns an address in the engine's memory into a pointer. The indirection
// says to vet that the number is no Go address.
func at(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }
