package delivery

import (
	"context"
	"time"
)

// grace is how long a request under way, and the storing of its outcome, may go on
// when delivery is to stop: to break it off would repeat its events.
const grace = 4 * time.Second

// withGrace returns a context that ends grace after ctx does.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}
