//go:build linux

// Package poll is the least that is needed to serve many sockets from one thread:
// epoll and non-blocking reads and writes. The programs around a proxy that is
// measured should cost as little as possible, and net's goroutines cost more.
package poll

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Poll tells which of its descriptors can be read.
type Poll struct {
	fd     int
	events [128]unix.EpollEvent
}

// New returns an empty poll.
func New() (*Poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &Poll{fd: fd}, nil
}

// Add watches fd until it is closed.
func (p *Poll) Add(fd int) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}) // #nosec G115 -- descriptors are small
}

// Wait calls f for each descriptor that can be read. It waits at most
// milliseconds; -1 means without end.
func (p *Poll) Wait(milliseconds int, f func(fd int) error) error {
	n, err := unix.EpollWait(p.fd, p.events[:], milliseconds)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("epoll: %w", err)
	}
	for i := range max(0, n) {
		if err := f(int(p.events[i].Fd)); err != nil {
			return err
		}
	}
	return nil
}

// Close frees the poll, and not what it watches.
func (p *Poll) Close() { _ = unix.Close(p.fd) }

// Dial connects to an IPv4 address.
func Dial(to netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	if err = unix.Connect(fd, address(to)); err == nil {
		err = prepare(fd)
	}
	if err != nil {
		_ = unix.Close(fd)
		return 0, fmt.Errorf("connect to %s: %w", to, err)
	}
	return fd, nil
}

// Listen takes connections on an IPv4 address.
func Listen(at netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, address(at)), unix.Listen(fd, 4096))
	if err != nil {
		_ = unix.Close(fd)
		return 0, fmt.Errorf("listen on %s: %w", at, err)
	}
	return fd, nil
}

// Accept takes one connection; ok is false when none waits.
func Accept(listener int) (fd int, ok bool, err error) {
	fd, _, err = unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EINTR):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("accept: %w", err)
	}
	return fd, true, prepare(fd)
}

func prepare(fd int) error {
	return errors.Join(unix.SetNonblock(fd, true), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
}

func address(a netip.AddrPort) unix.Sockaddr {
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

// ErrClosed says that the peer has ended the connection.
var ErrClosed = errors.New("the peer closed the connection")

// Read reads what is there; n is 0 when nothing is.
func Read(fd int, p []byte) (n int, err error) {
	n, err = unix.Read(fd, p)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read: %w", err)
	case n == 0:
		return 0, ErrClosed
	}
	return n, nil
}

// Write writes all of p, which is small enough for the socket's buffer.
func Write(fd int, p []byte) error {
	n, err := unix.Write(fd, p)
	if err == nil && n < len(p) {
		err = unix.EAGAIN
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// Close closes a socket.
func Close(fd int) { _ = unix.Close(fd) }
