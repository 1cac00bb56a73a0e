package supervise_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"sluice.dev/services/events/internal/supervise"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	slices.Sort(lines)
	return lines
}

func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		job := func(name, version string) supervise.Job {
			return supervise.Job{Version: version, Run: func(ctx context.Context) {
				j.add(name + version + " starts")
				<-ctx.Done()
				j.add(name + version + " ends")
			}}
		}
		ctx, stop := context.WithCancel(context.Background())
		g := supervise.NewGroup(ctx)
		steps := []struct {
			wanted map[string]supervise.Job
			want   []string
		}{
			{map[string]supervise.Job{"a": job("a", "1"), "b": job("b", "1")}, []string{"a1 starts", "b1 starts"}},
			{map[string]supervise.Job{"a": job("a", "1"), "b": job("b", "2")}, []string{"b1 ends", "b2 starts"}},
			{map[string]supervise.Job{"b": job("b", "2")}, []string{"a1 ends"}},
			{map[string]supervise.Job{"a": job("a", "1"), "b": job("b", "2")}, []string{"a1 starts"}},
			{nil, []string{"a1 ends", "b2 ends"}},
		}
		for i, s := range steps {
			g.Set(s.wanted)
			synctest.Wait()
			if got := j.take(); !slices.Equal(got, s.want) {
				t.Errorf("step %d: %v, want %v", i, got, s.want)
			}
		}
		stop()
		g.Wait()
	})
}

func TestARunNeverOverlapsTheOneBefore(t *testing.T) {
	var mu sync.Mutex
	g := supervise.NewGroup(context.Background())
	for i := range 200 {
		g.Set(map[string]supervise.Job{"a": {Version: string(rune('a' + i%7)), Run: func(ctx context.Context) {
			if !mu.TryLock() {
				t.Error("two runs at once")
				return
			}
			<-ctx.Done()
			mu.Unlock()
		}}})
	}
	g.Set(nil)
	g.Wait()
}
