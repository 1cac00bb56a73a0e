//go:build unix

package transport

import (
	"errors"
	"net"
	"syscall"
)

// probe looks at a connection without reading from it.
type probe struct {
	raw   syscall.RawConn
	look  func(fd uintptr) bool
	byte  [1]byte
	empty bool
}

// newProbe returns nil for a connection that has no descriptor.
func newProbe(nc net.Conn) *probe {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	s, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	p := &probe{raw: raw}
	p.look = func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), p.byte[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		p.empty = errors.Is(err, syscall.EAGAIN)
		return true
	}
	return p
}

// quiet reports whether the connection is open and has nothing to read.
func (p *probe) quiet() bool { return p.raw.Read(p.look) == nil && p.empty }
