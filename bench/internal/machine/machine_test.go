package machine_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"sluice.dev/bench/internal/machine"
)

// burn uses CPU time of a child until the test ends.
func burn(t *testing.T) (pid int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd.Process.Pid
}

func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	d, err := machine.CPU(pid)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestChildrenCount(t *testing.T) {
	before := cpu(t, os.Getpid())
	child := burn(t)
	deadline := time.Now().Add(30 * time.Second)
	for cpu(t, child) < 50*time.Millisecond {
		if time.Now().After(deadline) {
			t.Fatal("a busy child uses no CPU time")
		}
	}
	if used := cpu(t, os.Getpid()) - before; used < 50*time.Millisecond {
		t.Errorf("%v with its child", used)
	}
}

func TestOwnWorkIsNotForeign(t *testing.T) {
	w, err := machine.Observe()
	if err != nil {
		t.Fatal(err)
	}
	child := burn(t)
	deadline := time.Now().Add(30 * time.Second)
	for cpu(t, child) < 100*time.Millisecond && time.Now().Before(deadline) {
		f, err := w.Foreign()
		if err != nil || f.Others < 0 || f.Others > 1.1 || f.Stolen < 0 || f.Stolen > 1.1 {
			t.Fatalf("%+v %v", f, err)
		}
	}
}

func TestMemory(t *testing.T) {
	if n, err := machine.Memory(os.Getpid()); err != nil || n < 1<<20 || n > 10<<30 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n, err := machine.Memory(1 << 30); err != nil || n != 0 {
		t.Errorf("of no process: %d, %v", n, err)
	}
}
