package upstream

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"sync"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// balancer chooses one of several members, at least one of which is in the set.
type balancer interface {
	choose(among set, client netip.Addr) int
}

func newBalancer(by policyv1.Balancing, u *Upstream) balancer {
	switch by {
	case policyv1.Balancing_BALANCING_LEAST_REQUESTS:
		return &leastRequests{members: u.members, weights: u.weights}
	case policyv1.Balancing_BALANCING_CLIENT_ADDRESS:
		return &clientAddress{members: u.members, weights: u.weights}
	}
	return &roundRobin{weights: u.weights, credit: make([]int, len(u.members))}
}

// roundRobin takes members in turn so that heavier ones come more often, spread
// evenly: each choice gives every member its weight as credit, and takes the sum of
// the weights from the one that has most.
type roundRobin struct {
	mu      sync.Mutex
	weights []int
	credit  []int
}

func (r *roundRobin) choose(among set, _ netip.Addr) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	best, sum := -1, 0
	for i, weight := range r.weights {
		if !among.has(i) {
			continue
		}
		sum += weight
		r.credit[i] += weight
		if best < 0 || r.credit[i] > r.credit[best] {
			best = i
		}
	}
	r.credit[best] -= sum
	return best
}

// leastRequests takes two members by chance and weight, and of these the one with
// fewer requests in flight.
type leastRequests struct {
	members []*member
	weights []int
}

func (l *leastRequests) choose(among set, _ netip.Addr) int {
	first := l.draw(among, -1)
	second := l.draw(among, first)
	if second >= 0 && l.members[second].active.Load() < l.members[first].active.Load() {
		return second
	}
	return first
}

// draw is a member by weight, other than one; -1 when there is none.
func (l *leastRequests) draw(among set, other int) int {
	sum := 0
	for i, weight := range l.weights {
		if i != other && among.has(i) {
			sum += weight
		}
	}
	if sum == 0 {
		return -1
	}
	at := rand.IntN(sum) // #nosec G404 -- balancing needs no secrecy
	for i, weight := range l.weights {
		if i == other || !among.has(i) {
			continue
		}
		if at -= weight; at < 0 {
			return i
		}
	}
	return -1
}

// clientAddress gives each client the member that it ranks highest (weighted
// rendezvous hashing), so that a member that leaves or comes moves only its own
// clients. Every proxy ranks alike.
type clientAddress struct {
	members []*member
	weights []int
}

func (c *clientAddress) choose(among set, client netip.Addr) int {
	key := addressKey(client)
	best, highest := -1, math.Inf(-1)
	for i, m := range c.members {
		if !among.has(i) {
			continue
		}
		// A number in (0, 1), the same for this pair wherever it is computed.
		chance := (float64(mix(key^m.seed)>>11) + 0.5) / (1 << 53)
		if score := -float64(c.weights[i]) / math.Log(chance); score > highest {
			best, highest = i, score
		}
	}
	return best
}

func addressKey(a netip.Addr) uint64 {
	b := a.As16()
	return mix(mix(binary.BigEndian.Uint64(b[:8])) ^ binary.BigEndian.Uint64(b[8:]))
}

// mix spreads every bit of x over all of them (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
