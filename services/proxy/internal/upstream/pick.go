package upstream

import (
	"net/netip"
	"time"
)

// pick takes a member for one request: an available one, of those that this request
// has not tried if any is left, and not one that has as many requests as it may
// have. When none is available all are, as it is better to try than to refuse. It
// returns -1 when all are full. The member's active count includes the request.
func (u *Upstream) pick(client netip.Addr, now time.Time, tried *set) int {
	if u.balancer == nil {
		return u.take(0)
	}
	among := u.candidates(now)
	fresh := among.without(*tried)
	if i := u.choose(fresh, client); i >= 0 || fresh == among {
		return i
	}
	return u.choose(among.without(fresh), client)
}

// candidates are the available members, or all when there is none.
func (u *Upstream) candidates(now time.Time) set {
	var some, all set
	for i := range u.members {
		all.add(i)
		if u.available(i, now) {
			some.add(i)
		}
	}
	if some == (set{}) {
		return all
	}
	return some
}

// choose takes one that is not full; -1 when there is none.
func (u *Upstream) choose(among set, client netip.Addr) int {
	for among != (set{}) {
		i := u.balancer.choose(among, client)
		if u.take(i) >= 0 {
			return i
		}
		among.drop(i)
	}
	return -1
}

func (u *Upstream) take(i int) int {
	if u.counted && !u.members[i].take(u.maxRequests) {
		return -1
	}
	return i
}

// release ends what pick began.
func (u *Upstream) release(i int) {
	if u.counted {
		u.members[i].active.Add(-1)
	}
}
