//go:build linux

package load

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"sluice.dev/bench/internal/poll"
)

// AtRate sends so many requests a second for d, evenly, whether or not earlier ones
// were answered; a request waits when no connection is free. Its latency counts
// from the time that it was due, so a server that stalls does not hide the
// requests that it kept from being sent.
func (g *Generator) AtRate(perSecond int, d time.Duration) (*Result, error) {
	interval := time.Second / time.Duration(perSecond)
	ticker, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timer: %w", err)
	}
	defer func() { _ = unix.Close(ticker) }()
	if err := g.poll.Add(ticker); err != nil {
		return nil, fmt.Errorf("watch the timer: %w", err)
	}
	return g.run(func(start time.Time) error {
		each := unix.NsecToTimespec(int64(interval))
		if err := unix.TimerfdSettime(ticker, 0, &unix.ItimerSpec{Interval: each, Value: each}, nil); err != nil {
			return fmt.Errorf("timer: %w", err)
		}
		o := &openLoop{Generator: g, ticker: ticker, interval: interval, next: start.Add(interval), left: int(d / interval)}
		return o.run()
	})
}

// openLoop is one run at a fixed rate.
type openLoop struct {
	*Generator
	ticker   int
	interval time.Duration
	next     time.Time // when the next request is due
	left     int       // requests that are not due yet
	waiting  []time.Time
}

func (o *openLoop) run() error {
	for last := time.Now(); o.left > 0 || len(o.waiting) > 0 || len(o.idle) < len(o.conns); {
		before := o.result.Requests
		if err := o.poll.Wait(100, o.ready); err != nil {
			return err
		}
		if now := time.Now(); o.result.Requests > before {
			last = now
		} else if now.Sub(last) > patience {
			return errSilent
		}
	}
	return nil
}

func (o *openLoop) ready(fd int) error {
	if fd != o.ticker {
		return o.answer(fd, func(time.Time) error { return o.sendDue() })
	}
	var ticks [8]byte
	if n, err := poll.Read(fd, ticks[:]); err != nil || n < len(ticks) {
		return err
	}
	for range binary.NativeEndian.Uint64(ticks[:]) {
		if o.left == 0 {
			break
		}
		o.left--
		o.waiting = append(o.waiting, o.next)
		o.next = o.next.Add(o.interval)
	}
	return o.sendDue()
}

func (o *openLoop) sendDue() error {
	for len(o.waiting) > 0 && len(o.idle) > 0 {
		due := o.waiting[0]
		o.waiting = o.waiting[1:]
		if err := o.send(due); err != nil {
			return err
		}
	}
	return nil
}
