package ingest

import (
	"context"
	"time"

	"sluice.dev/services/capture/internal/heads"
)

// yieldFor is how long a batch that another process inserts is left to it.
const yieldFor = time.Second

// claim claims the batches of a group. It returns those that this process is to
// store, whether one of them may be stored already, and those of others.
func (c *Committer) claim(ctx context.Context, group []*job) (own, foreign []*job, doubt bool, err error) {
	var claims []heads.Claim
	err = c.persist(ctx, "claim", func(int) (err error) {
		claims, err = c.take(ctx, group)
		return err
	})
	if err != nil {
		return group, nil, false, err
	}
	for i, j := range group {
		if claims[i] == heads.Foreign && j.batch.Rows() > 0 { // parts of bodies may be stored by both
			foreign = append(foreign, j)
			continue
		}
		own = append(own, j)
		doubt = doubt || claims[i] != heads.Fresh || c.old(j)
	}
	return own, foreign, doubt, nil
}

func (c *Committer) take(ctx context.Context, group []*job) ([]heads.Claim, error) {
	ids := make([]string, len(group))
	for i, j := range group {
		ids[i] = j.ID
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return c.redis.Take(ctx, ids)
}

// old reports whether a batch may have been stored before claims of today began.
func (c *Committer) old(j *job) bool {
	born := j.batch.Born()
	return c.clock.Now().Sub(born) > stale || born.Before(c.started.Add(clockSkew))
}

// yield waits for the process that has claimed a batch. If that has stored it, it
// is done; if not, it goes back into the queue, and is claimed again.
func (c *Committer) yield(ctx context.Context, j *job) {
	c.log.Info("another process stores a batch that was sent to this one too", "batch", j.ID)
	select {
	case <-ctx.Done():
		c.finish(j, ctx.Err())
		return
	case <-time.After(yieldFor):
	}
	stored, err := c.table.Stored(ctx, j.batch)
	if err == nil && stored {
		c.metrics.duplicates.Inc()
		c.finish(j, nil)
		return
	}
	select {
	case c.queue <- j:
	case <-ctx.Done():
		c.finish(j, ctx.Err())
	}
}

// finish gives back what a batch used and tells its streams.
func (c *Committer) finish(j *job, err error) {
	c.memory.Release(j.weight)
	c.metrics.queued(-1, -j.weight)
	c.tickets.finish(j.Ticket, err)
	if err == nil {
		c.metrics.committed(j.batch.Rows(), j.since, c.clock.Now())
	}
}
