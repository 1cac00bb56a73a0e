package routes

import (
	"context"
	"errors"
	"sync"

	"sluice.dev/platform/resource"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Run follows rules and what all processes learn, until ctx ends. Templates work
// before and without it, by the look of segments alone.
func (t *Templates) Run(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { t.keepLearned(ctx) })
	err := t.followRules(ctx)
	both.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (t *Templates) followRules(ctx context.Context) error {
	rules := map[string]*capturev1.RouteRule{}
	var order []string // oldest first
	publish := func() {
		list := make([]*capturev1.RouteRule, 0, len(order))
		for _, id := range order {
			if r := rules[id]; r != nil {
				list = append(list, r)
			}
		}
		t.setRules(list)
	}
	reset := func(all []resource.Entry[*capturev1.RouteRule], _ uint64) {
		clear(rules)
		order = order[:0]
		for _, e := range all {
			rules[e.ID], order = e.Doc, append(order, e.ID)
		}
		publish()
	}
	return t.rules.Follow(ctx, reset, func(c resource.Change[*capturev1.RouteRule]) {
		switch {
		case c.Deleted:
			delete(rules, c.ID)
		default:
			if rules[c.ID] == nil {
				order = append(order, c.ID)
			}
			rules[c.ID] = c.Doc
		}
		publish()
	})
}

func (t *Templates) setRules(all []*capturev1.RouteRule) {
	set := newRuleSet(all)
	t.mu.Lock()
	defer t.mu.Unlock()
	next := *t.current.Load()
	next.rules = set
	t.current.Store(&next)
}
