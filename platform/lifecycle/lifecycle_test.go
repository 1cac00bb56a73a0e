package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice.dev/platform/lifecycle"
)

func TestStopsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var stopped []string
		part := func(name string) lifecycle.Part {
			return lifecycle.Func(func(ctx context.Context) error {
				<-ctx.Done()
				mu.Lock()
				defer mu.Unlock()
				stopped = append(stopped, name)
				return ctx.Err()
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := lifecycle.Run(ctx, time.Second, part("store"), part("server"), part("listener")); err != nil {
			t.Fatal(err)
		}
		if want := []string{"listener", "server", "store"}; !slices.Equal(stopped, want) {
			t.Errorf("stopped %v, want %v", stopped, want)
		}
	})
}

func TestOneFailureStopsAll(t *testing.T) {
	boom := errors.New("disk on fire")
	waits := lifecycle.Func(func(ctx context.Context) error { <-ctx.Done(); return nil })
	fails := lifecycle.Func(func(context.Context) error { return boom })
	if err := lifecycle.Run(t.Context(), time.Second, waits, fails); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}

func TestStuckPartIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		stuck := lifecycle.Func(func(context.Context) error { <-release; return nil })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := lifecycle.Run(ctx, time.Minute, stuck); err == nil {
			t.Error("a part that never stopped went unnoticed")
		}
	})
}
