package filewatch_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"sluice.dev/services/proxy/internal/filewatch"
)

func TestChanged(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write := func(path, text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-time.Hour)
	write(a, "1", then)
	var w filewatch.Watch
	for i, step := range []struct {
		do   func()
		want bool
	}{
		{func() {}, true},
		{func() {}, false},
		{func() { write(a, "2", then.Add(time.Second)) }, true},
		{func() { write(b, "1", then) }, true},
		{func() {}, false},
		{func() { _ = os.Remove(b) }, true},
		{func() {}, false},
	} {
		step.do()
		if got := w.Changed(a, b, "", dir); got != step.want {
			t.Errorf("step %d: %t", i, got)
		}
	}
}

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*filewatch.Every+time.Second)
		defer cancel()
		looked := 0
		if err := filewatch.Poll(ctx, func() { looked++ }); err != nil || looked != 4 {
			t.Error(looked, err)
		}
	})
}
