package spool_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice.dev/platform/spool"
)

// TestMain is also the writer that TestKilledWriter kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SPOOL_TEST_WRITER"); dir != "" {
		writeForEver(dir)
	}
	os.Exit(m.Run())
}

func writeForEver(dir string) {
	s, err := spool.Open(dir, spool.Options{SegmentBytes: 1 << 16})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		if err := s.Append([]byte(fmt.Sprintf("%d %s", i, strings.Repeat("x", i%977))), 1); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(i) // it counts as written from here on
	}
}

func TestKilledWriter(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "SPOOL_TEST_WRITER="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, told := bufio.NewScanner(out), -1
	for told < 500 && lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &told); err != nil {
			t.Fatal(lines.Text())
		}
	}
	_ = cmd.Process.Kill()
	for lines.Scan() { // what it told before the kill
		_, _ = fmt.Sscan(lines.Text(), &told)
	}
	_ = cmd.Wait() // killed: an error is what we want
	s := open(t, dir, spool.Options{})
	for i := 0; ; i++ {
		r, err := s.Next()
		if errors.Is(err, io.EOF) {
			if i <= told {
				t.Errorf("the writer wrote record %d; the spool ends before %d", told, i)
			}
			return
		}
		if err != nil || !strings.HasPrefix(string(r.Payload), fmt.Sprint(i, " ")) || !r.Recovered {
			t.Fatalf("record %d: %.20q %v", i, r.Payload, err)
		}
	}
}

// TestAnyTearLeavesAPrefix cuts the last segment anywhere.
func TestAnyTearLeavesAPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "spool")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		payloads := rapid.SliceOfN(rapid.StringN(0, 40, 60), 1, 20).Draw(t, "payloads")
		s, err := spool.Open(dir, spool.Options{SegmentBytes: 128, MaxBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range payloads {
			if err := s.Append([]byte(p), 1); err != nil {
				t.Fatal(err)
			}
		}
		_ = s.Close()
		names, _ := filepath.Glob(filepath.Join(dir, "*.seg"))
		last := names[len(names)-1]
		info, err := os.Stat(last)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(last, rapid.Int64Range(0, info.Size()).Draw(t, "cut at")); err != nil {
			t.Fatal(err)
		}
		if s, err = spool.Open(dir, spool.Options{}); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Append([]byte("after"), 1); err != nil {
			t.Fatal(err)
		}
		var got []string
		for {
			r, err := s.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(r.Payload))
		}
		n := len(got) - 1
		if n < 0 || n > len(payloads) || got[n] != "after" {
			t.Fatalf("%q after a tear of %q", got, payloads)
		}
		for i := range n {
			if got[i] != payloads[i] {
				t.Fatalf("record %d is %q, was %q", i, got[i], payloads[i])
			}
		}
	})
}

// FuzzSegment opens whatever a segment file may hold.
func FuzzSegment(f *testing.F) {
	dir := f.TempDir()
	s := open(f, dir, spool.Options{})
	add(f, s, "one", "two")
	good, err := os.ReadFile(segments(f, dir)[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte("\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d.seg", 3)), content, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, spool.Options{})
		before := s.Stats()
		add(t, s, "sentinel")
		got := drain(t, s)
		if got != "sentinel" && !strings.HasSuffix(got, " sentinel") {
			t.Errorf("%q", got)
		}
		if before.Bytes+before.Damaged != int64(len(content)) {
			t.Errorf("%+v of %d bytes", before, len(content))
		}
		_ = s.Close()
	})
}
