package child_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice.dev/platform/child"
)

const parentEnv = "SLUICE_CHILD_TEST_PARENT"

// TestMain lets the test binary also be a parent that is to be killed.
func TestMain(m *testing.M) {
	if os.Getenv(parentEnv) == "" {
		os.Exit(m.Run())
	}
	p, err := child.Start(exec.Command("sleep", "60"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	<-p.Done()
}

func TestChildDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"=1")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed, as it should be
	deadline := time.Now().Add(5 * time.Second)
	for alive(pid) {
		if time.Now().After(deadline) {
			t.Fatal("the child outlives its killed parent")
		}
		time.Sleep(time.Millisecond)
	}
}

// alive reports whether the process runs; one that is dead but not reaped doesn't.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestStopKillsAChildThatIgnoresIt(t *testing.T) {
	reader, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	cmd := exec.Command("sh", "-c", `trap "" TERM; echo ready; while :; do sleep 0.01; done`)
	cmd.Stdout = output
	p, err := child.Start(cmd)
	output.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(reader).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	select {
	case <-p.Done():
	default:
		t.Error("the child still runs")
	}
}

func TestStopOfAnEndedChildIsNoError(t *testing.T) {
	p, err := child.Start(exec.Command("true"))
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if p.Err() != nil {
		t.Errorf("the child ended with %v", p.Err())
	}
}

func TestMissingProgramIsAnError(t *testing.T) {
	if _, err := child.Start(exec.Command("/no/such/program")); err == nil {
		t.Error("no error")
	}
}
