package proxy

import (
	"context"
	"errors"
	"sync"

	"sluice.dev/services/proxy/internal/front"
)

// listeners are the front ends. They stop together: a proxy that drains takes
// requests on none of them.
type listeners []*front.Server

// Run implements lifecycle.Part.
func (ls listeners) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(ls))
	var group sync.WaitGroup
	for i, l := range ls {
		group.Go(func() {
			defer stop() // one that fails takes the others along
			errs[i] = l.Run(ctx)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
