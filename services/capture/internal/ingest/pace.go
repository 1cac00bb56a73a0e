package ingest

import (
	"context"
	"time"
)

const (
	// rest is how many times as long as the last insert took lie between the
	// beginnings of two: each insert makes a part, which costs ClickHouse the same
	// again and more to merge, whatever its size.
	rest = 4
	// longestRest bounds what that adds to the time until a row can be seen.
	longestRest = 400 * time.Millisecond
	// A group of this many rows, or bytes, does not wait to grow.
	enoughRows  = 20_000
	enoughBytes = 48 << 20
)

// pace decides how many batches make a group: all that come while the insert
// before runs and ClickHouse rests from it.
type pace struct {
	notBefore time.Time
}

// took notes an insert that began at begin and ends now.
func (p *pace) took(begin time.Time) {
	p.notBefore = begin.Add(min(rest*time.Since(begin), longestRest))
}

// gather takes at least one batch from the queue.
func (p *pace) gather(ctx context.Context, queue <-chan *job) (group []*job) {
	var rows int
	var bytes int64
	add := func(j *job) {
		group = append(group, j)
		rows += j.batch.Rows()
		bytes += j.weight
	}
	select {
	case j := <-queue:
		add(j)
	case <-ctx.Done():
		return nil
	}
	ready := time.After(time.Until(p.notBefore))
	for rows < enoughRows && bytes < enoughBytes {
		select {
		case j := <-queue:
			add(j)
			continue
		default:
		}
		if !time.Now().Before(p.notBefore) {
			return group
		}
		select {
		case j := <-queue:
			add(j)
		case <-ready:
		case <-ctx.Done():
			return group
		}
	}
	return group
}
