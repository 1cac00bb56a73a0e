package ratelimit

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The layout that take.lua keeps.
const (
	stateHead   = 8
	stateRecord = 16
	stateSlots  = 260
)

// count is what a bucket holds at some time.
type count struct {
	held  int64
	next  time.Time // when the oldest permits leave the window
	empty time.Time // when the last ones do
}

// readState counts what a bucket, as take.lua keeps it, holds at now by Redis's
// clock.
func readState(state string, rate time.Duration, now time.Time) (count, error) {
	if state == "" {
		return count{}, nil
	}
	if len(state) < stateHead {
		return count{}, fmt.Errorf("the bucket has %d bytes", len(state))
	}
	raw := []byte(state)
	first, groups := int(binary.LittleEndian.Uint16(raw[4:])), int(binary.LittleEndian.Uint16(raw[6:]))
	var c count
	var last int64 // a group leaves with those in front of it, or after them
	for i := range groups {
		at := stateHead + (first+i)%stateSlots*stateRecord
		if at+stateRecord > len(raw) {
			return count{}, fmt.Errorf("the bucket has %d bytes, not all of its %d groups", len(raw), groups)
		}
		last = max(last, int64(binary.LittleEndian.Uint64(raw[at:]))+int64(binary.LittleEndian.Uint32(raw[at+8:]))) // #nosec G115 -- a time in microseconds
		permits := int64(binary.LittleEndian.Uint32(raw[at+12:]))
		leaves := time.UnixMicro(last).Add(rate)
		if permits == 0 || !leaves.After(now) {
			continue
		}
		if c.held == 0 {
			c.next = leaves
		}
		c.held, c.empty = c.held+permits, leaves
	}
	return c, nil
}
