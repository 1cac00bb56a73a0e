// Package machine reads from /proc what processes cost: CPU time and memory of a
// process with its children, and how much of the machine others used meanwhile.
// Linux only.
package machine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of CPU times in /proc (USER_HZ, which is 100 everywhere).
const tick = time.Second / 100

// stat is a line of /proc/PID/stat.
type stat struct {
	pid, parent int
	cpu         time.Duration // user and system
}

// readStat reads the line of one process (proc(5)). ok is false when it has ended.
func readStat(pid int) (s stat, ok bool, err error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return stat{}, false, nil
	}
	if err != nil {
		return stat{}, false, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	// The name stands in parentheses and may hold anything.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 13 {
		return stat{}, false, fmt.Errorf("CPU time of process %d: %q is not understood", pid, b)
	}
	parent, err1 := strconv.Atoi(string(fields[1]))
	user, err2 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err3 := strconv.ParseInt(string(fields[12]), 10, 64)
	return stat{pid, parent, time.Duration(user+system) * tick}, true, errors.Join(err1, err2, err3)
}

// tree is a process and all that descend from it.
func tree(root int) ([]stat, error) {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	children := map[int][]stat{}
	var out []stat
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			continue
		}
		s, ok, err := readStat(pid)
		if err != nil {
			return nil, err
		}
		switch {
		case !ok:
		case pid == root:
			out = append(out, s)
		default:
			children[s.parent] = append(children[s.parent], s)
		}
	}
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i].pid]...)
	}
	return out, nil
}

// CPU is the user and system time that a process and its children have used so
// far, in steps of 10 ms. Children that have ended are left out.
func CPU(pid int) (time.Duration, error) {
	all, err := tree(pid)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, s := range all {
		sum += s.cpu
	}
	return sum, nil
}

// Memory is what a process and its children hold in memory, in bytes: pages that
// several share count in parts (PSS).
func Memory(pid int) (int64, error) {
	all, err := tree(pid)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, s := range all {
		n, err := proportional(s.pid)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func proportional(pid int) (int64, error) {
	f, err := os.Open(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	defer func() { _ = f.Close() }() // was read only
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kib, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kib, "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("memory of process %d: smaps_rollup names no Pss", pid)
}
