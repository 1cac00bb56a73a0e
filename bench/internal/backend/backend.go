//go:build linux

// Package backend is the API behind the proxies that are compared: it answers
// every request with the same kilobyte of JSON, as cheaply as it can.
package backend

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"strings"

	"sluice.dev/bench/internal/poll"
)

// BodySize is the size of the answer's body, in bytes.
const BodySize = 1024

// Body is the answer's body.
func Body() string {
	const head, tail = `{"id":"item_1","name":"a kilobyte of JSON","tags":["bench","sluice"],"text":"`, `"}`
	return head + strings.Repeat("lorem ipsum dolor ", BodySize)[:BodySize-len(head)-len(tail)] + tail
}

func response() []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: backend\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nCache-Control: no-store\r\nX-Request-Cost: 1\r\n\r\n%s", BodySize, Body())
}

var endOfHead = []byte("\r\n\r\n")

// server answers on one thread.
type server struct {
	poll     *poll.Poll
	listener int
	response []byte
	pending  map[int][]byte // beginnings of heads, by descriptor
	buf      []byte
}

// Serve answers on at until something fails that others than clients are the
// cause of.
func Serve(at netip.AddrPort) error {
	runtime.LockOSThread()
	p, err := poll.New()
	if err != nil {
		return err
	}
	l, err := poll.Listen(at)
	if err != nil {
		return err
	}
	if err := p.Add(l); err != nil {
		return fmt.Errorf("watch the listener: %w", err)
	}
	s := &server{poll: p, listener: l, response: response(), pending: map[int][]byte{}, buf: make([]byte, 64<<10)}
	for {
		if err := p.Wait(-1, s.ready); err != nil {
			return err
		}
	}
}

func (s *server) ready(fd int) error {
	if fd == s.listener {
		return s.accept()
	}
	if s.answer(fd) != nil { // a client's trouble is its own
		delete(s.pending, fd)
		poll.Close(fd)
	}
	return nil
}

func (s *server) accept() error {
	for {
		fd, ok, err := poll.Accept(s.listener)
		if err != nil || !ok {
			return err
		}
		if err := s.poll.Add(fd); err != nil {
			return fmt.Errorf("watch a connection: %w", err)
		}
	}
}

// answer answers the heads that are there. Requests have no bodies.
func (s *server) answer(fd int) error {
	n, err := poll.Read(fd, s.buf)
	if err != nil || n == 0 {
		return err
	}
	got := s.buf[:n]
	if rest := s.pending[fd]; len(rest) > 0 {
		got = append(rest, got...)
		delete(s.pending, fd)
	}
	for len(got) > 0 {
		end := bytes.Index(got, endOfHead)
		if end < 0 {
			s.pending[fd] = bytes.Clone(got)
			return nil
		}
		if err := poll.Write(fd, s.response); err != nil {
			return err
		}
		got = got[end+len(endOfHead):]
	}
	return nil
}
