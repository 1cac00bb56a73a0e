package lease

import (
	"context"
	"time"
)

// Outlive returns a context that ends d after ctx does: for a request under way,
// and the storing of its outcome, when work is to stop. To break them off would
// mean to repeat them.
func Outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}
