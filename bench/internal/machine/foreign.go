package machine

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Watch tells how much of the machine's CPU went to others than this process and
// its children, since [Observe].
type Watch struct {
	start       time.Time
	busy, stole time.Duration
	own         time.Duration
}

// Foreign is what others used, as shares of all CPUs.
type Foreign struct {
	Others float64 `json:"others"` // other processes; not the kernel's threads, which work for all
	Stolen float64 `json:"stolen"` // the hypervisor
}

// Observe begins to watch.
func Observe() (*Watch, error) {
	busy, stole, _, err := machineTimes()
	if err != nil {
		return nil, err
	}
	own, err := ownTime()
	return &Watch{start: time.Now(), busy: busy, stole: stole, own: own}, err
}

// Foreign is what others have used so far.
func (w *Watch) Foreign() (Foreign, error) {
	busy, stole, cpus, err := machineTimes()
	if err != nil {
		return Foreign{}, err
	}
	own, err := ownTime()
	if err != nil {
		return Foreign{}, err
	}
	all := float64(time.Since(w.start)) * float64(cpus)
	return Foreign{
		Others: max(0, float64((busy-w.busy)-(own-w.own))/all),
		Stolen: max(0, float64(stole-w.stole)/all),
	}, nil
}

// kernelThreads is the parent of the kernel's threads; in a container, where those
// do not show, perhaps another process.
const kernelThreads = 2

// ownTime is what this process, its children and the kernel for them have used.
func ownTime() (time.Duration, error) {
	own, err := CPU(os.Getpid())
	if err != nil {
		return 0, err
	}
	name, err := os.ReadFile("/proc/" + strconv.Itoa(kernelThreads) + "/comm")
	if err != nil || string(name) != "kthreadd\n" {
		return own, nil //nolint:nilerr // there is none to be seen
	}
	kernel, err := CPU(kernelThreads)
	return own + kernel, err
}

// machineTimes reads /proc/stat: how long all CPUs were busy and how long the
// hypervisor kept them from us.
func machineTimes() (busy, stole time.Duration, cpus int, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, 0, fmt.Errorf("CPU time of the machine: %w", err)
	}
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.Fields(first) // cpu user nice system idle iowait irq softirq steal ...
	if len(fields) < 9 {
		return 0, 0, 0, fmt.Errorf("CPU time of the machine: %q is not understood", first)
	}
	var v [9]time.Duration
	for i := 1; i < len(v); i++ {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return 0, 0, 0, fmt.Errorf("CPU time of the machine: %w", err)
		}
		v[i] = time.Duration(n) * tick
	}
	for bytes.HasPrefix(rest, []byte("cpu")) {
		cpus++
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	return v[1] + v[2] + v[3] + v[6] + v[7], v[8], cpus, nil
}
