//go:build linux

// Package load asks one server again and again over keep-alive connections, from
// one thread: as fast as it answers (closed loop), or at a fixed rate (open loop).
// It measures the time to the last byte of each response.
package load

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"sluice.dev/bench/internal/poll"
)

// Generator has connections to one server. It is for one goroutine.
type Generator struct {
	poll    *poll.Poll
	conns   map[int]*conn
	idle    []*conn
	request []byte
	buf     []byte
	result  *Result
}

// Result is what came of a run.
type Result struct {
	Requests uint64
	Elapsed  time.Duration // from the first request to the last response
	Latency  Histogram
}

// patience is how long a run may go without any answer.
const patience = 10 * time.Second

var errSilent = errors.New("no answer for 10 s")

// Connect opens so many connections to a server. Requests are GETs of path.
func Connect(to netip.AddrPort, host, path string, connections int) (*Generator, error) {
	p, err := poll.New()
	if err != nil {
		return nil, err
	}
	g := &Generator{poll: p, conns: map[int]*conn{}, buf: make([]byte, 256<<10)}
	g.request = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sluice-bench/1\r\nAccept: application/json\r\nAccept-Language: en\r\n\r\n", path, host)
	for range connections {
		fd, err := poll.Dial(to)
		if err == nil {
			err = p.Add(fd)
		}
		if err != nil {
			g.Close()
			return nil, err
		}
		c := &conn{fd: fd}
		g.conns[fd], g.idle = c, append(g.idle, c)
	}
	return g, nil
}

// Close closes the connections.
func (g *Generator) Close() {
	for fd := range g.conns {
		poll.Close(fd)
	}
	g.poll.Close()
}

// Saturate keeps every connection busy for d, then waits for the last answers.
func (g *Generator) Saturate(d time.Duration) (*Result, error) {
	return g.run(func(start time.Time) error {
		end := start.Add(d)
		for len(g.idle) > 0 {
			if err := g.send(time.Now()); err != nil {
				return err
			}
		}
		return g.answers(func(now time.Time) error {
			if now.After(end) {
				return nil
			}
			return g.send(now)
		})
	})
}

// Each sends one request after the other, one in flight, n in all: by the
// connections in turn, so that each is used.
func (g *Generator) Each(n int) (*Result, error) {
	return g.run(func(time.Time) error {
		for range n {
			if err := g.send(time.Now()); err != nil {
				return err
			}
			if err := g.answers(func(time.Time) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *Generator) run(f func(start time.Time) error) (*Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	g.result = &Result{}
	start := time.Now()
	if err := f(start); err != nil {
		return nil, fmt.Errorf("after %d answers: %w", g.result.Requests, err)
	}
	g.result.Elapsed = time.Since(start)
	return g.result, nil
}

// send sends a request on the connection that has been idle the longest.
func (g *Generator) send(due time.Time) error {
	c := g.idle[0]
	g.idle = g.idle[1:]
	c.due = due
	return poll.Write(c.fd, g.request)
}

// answers takes answers, and calls next after each, until every connection is idle.
func (g *Generator) answers(next func(now time.Time) error) error {
	for last := time.Now(); len(g.idle) < len(g.conns); {
		before := g.result.Requests
		if err := g.poll.Wait(100, func(fd int) error { return g.answer(fd, next) }); err != nil {
			return err
		}
		if now := time.Now(); g.result.Requests > before {
			last = now
		} else if now.Sub(last) > patience {
			return errSilent
		}
	}
	return nil
}

func (g *Generator) answer(fd int, next func(now time.Time) error) error {
	c := g.conns[fd]
	whole, err := c.read(g.buf)
	if err != nil || !whole {
		return err
	}
	now := time.Now()
	g.result.Requests++
	g.result.Latency.Record(now.Sub(c.due))
	g.idle = append(g.idle, c)
	return next(now)
}
