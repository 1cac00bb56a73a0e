package tap

import (
	"strconv"
	"strings"
	"testing"
)

func TestMemo(t *testing.T) {
	var m memo
	made := 0
	double := func(s string) string { made++; return s + s }
	for range 3 {
		if got := m.of("a", double); got != "aa" {
			t.Error(got)
		}
	}
	if made != 1 {
		t.Errorf("made %d times", made)
	}
	for i := range 3 * memoEntries {
		if s := strconv.Itoa(i); m.of(s, double) != s+s {
			t.Error(s)
		}
	}
	long := strings.Repeat("x", memoText+1)
	if m.of(long, double) != long+long || len(m) > memoEntries {
		t.Errorf("%d are remembered", len(m))
	}
	if _, known := m[long]; known {
		t.Error("a long text is remembered")
	}
}
