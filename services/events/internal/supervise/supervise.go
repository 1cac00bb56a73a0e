// Package supervise keeps a changing set of jobs running, one goroutine each: it
// starts what is wanted, stops what is not, and starts again what has changed.
package supervise

import (
	"context"
	"maps"
	"sync"
)

// Job is something that runs until its context ends.
type Job struct {
	// Version changes whenever the job must start again.
	Version string
	Run     func(ctx context.Context)
}

type running struct {
	version string
	stop    context.CancelFunc
	done    chan struct{}
}

// Group is a set of jobs by name.
type Group struct {
	ctx context.Context //nolint:containedctx // the parent of contexts that come later
	mu  sync.Mutex
	now map[string]*running
}

// NewGroup returns an empty group whose jobs end with ctx.
func NewGroup(ctx context.Context) *Group {
	return &Group{ctx: ctx, now: map[string]*running{}}
}

// Set makes the group run exactly the wanted jobs. A job that changed starts again
// once its old run has ended. Set does not wait.
func (g *Group) Set(wanted map[string]Job) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, r := range g.now {
		if job, ok := wanted[name]; !ok || job.Version != r.version {
			r.stop()
		}
	}
	for name, job := range wanted {
		before := g.now[name]
		if before == nil || before.version != job.Version {
			g.now[name] = g.start(job, before)
		}
	}
	for name, r := range maps.All(g.now) {
		if _, ok := wanted[name]; !ok {
			select {
			case <-r.done:
				delete(g.now, name)
			default: // kept, so that Wait waits for it and a new run follows it
				r.version = ""
			}
		}
	}
}

func (g *Group) start(job Job, before *running) *running {
	ctx, stop := context.WithCancel(g.ctx)
	r := &running{version: job.Version, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		defer stop()
		if before != nil {
			<-before.done
		}
		if ctx.Err() == nil {
			job.Run(ctx)
		}
	}()
	return r
}

// Wait waits until all jobs have ended, which they do once their context has.
func (g *Group) Wait() {
	g.mu.Lock()
	all := maps.Clone(g.now)
	g.mu.Unlock()
	for _, r := range all {
		<-r.done
	}
}
