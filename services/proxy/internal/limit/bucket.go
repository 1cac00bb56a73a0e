package limit

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/trafficpolicy"
)

const (
	// maxBucket is the longest bucket name, in bytes, that the service takes.
	maxBucket = 512
	// minLeasing is the smallest capacity of which permits are leased.
	minLeasing = 100
	// minDemand is how many requests make a bucket one to lease permits of.
	minDemand = 8
	// maxShare bounds a lease to this part of the capacity.
	maxShare = 32
	// The longest lease is maxLease, and 1/leaseParts of the window.
	maxLease   = time.Second
	leaseParts = 128
	// A permit may take firstWithin, and at most 1/singleParts of the window, to
	// reach the request that waits for it. It is asked for again with more time.
	firstWithin = 20 * time.Millisecond
	singleParts = 1024
)

// bucketID is a bucket as a rule sees it. Another capacity is another bucket here,
// though the service counts both together.
type bucketID struct {
	endpoint, rule, algorithm, key string
	rate                           time.Duration
	capacity                       int64
}

func idOf(q *trafficpolicy.RateLimitQuery) bucketID {
	return bucketID{q.EndpointID, q.Name, q.Algorithm, q.Bucket, q.Rate, q.Capacity}
}

// serviceName names the bucket for all time: everything but its capacity.
func (id bucketID) serviceName() string {
	name := strings.Join([]string{id.endpoint, id.rule, id.algorithm, id.rate.String(), id.key}, "|")
	if len(name) <= maxBucket && utf8.ValidString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return id.endpoint + "|sha256:" + hex.EncodeToString(sum[:])
}

func (id bucketID) label() *policyv1.RateLimitBucketLabel {
	valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	return &policyv1.RateLimitBucketLabel{EndpointId: valid(id.endpoint), Name: valid(id.rule), BucketKey: valid(id.key)}
}

// longestLease is for how long permits of this bucket are leased.
func (id bucketID) longestLease() time.Duration { return min(id.rate/leaseParts, maxLease) }

// lease is permits that were counted already and may be used until they end.
type lease struct {
	permits, size int64
	ends          time.Time
	token         uint64 // names it to the service
}

func (l *lease) usable(now time.Time) bool { return l != nil && l.permits > 0 && now.Before(l.ends) }

// bucket is what this proxy knows of one bucket. Its shard's lock guards it.
type bucket struct {
	id            bucketID
	name          string
	shard         *shard
	newer, older  *bucket // by last use, within the shard
	current, next *lease
	left          int64     // in the shared count when it was last told
	refusedUntil  time.Time // until then there is no use in asking
	freeAt        time.Time // when it next admits a request
	leasing       time.Time // when a lease was asked for that has not come
	labelled      time.Time // when the service was last told what the bucket is called
	demand        demand
}

// outcome is how a request's question ended, or goes on.
type outcome int

const (
	mustAsk outcome = iota
	fromLease
	knownRefused
	nearlyFree // known to be refused, for so short that the request rather waits
)

// take decides from what is known. A check that it returns is to be sent: for the
// outcome mustAsk the request waits for the answer, else nobody does.
func (b *bucket) take(now time.Time, timeout time.Duration) (trafficpolicy.RateLimitVerdict, outcome, *check) {
	b.demand.count++
	if !b.current.usable(now) && b.next.usable(now) {
		b.current, b.next = b.next, nil
	}
	if l := b.current; l.usable(now) {
		l.permits--
		v := trafficpolicy.RateLimitVerdict{Allowed: true, Remaining: b.remaining()}
		if 4*l.permits > l.size || b.next.usable(now) || now.Before(b.refusedUntil) {
			return v, fromLease, nil
		}
		if want := b.want(now, timeout); want > 1 {
			return v, fromLease, b.check(now, timeout, want)
		}
		return v, fromLease, nil
	}
	if now.Before(b.refusedUntil) {
		if left := b.freeAt.Sub(now); left <= b.patience() {
			return trafficpolicy.RateLimitVerdict{RetryAfter: left}, nearlyFree, nil
		}
		return trafficpolicy.RateLimitVerdict{RetryAfter: b.retryAfter(now)}, knownRefused, nil
	}
	return trafficpolicy.RateLimitVerdict{}, mustAsk, b.check(now, timeout, b.want(now, timeout))
}

// patience is how long a request waits for a permit that is about to be free. The
// counter holds permits that much longer than the window: until the latest moment
// at which they may have been used. A client that comes back when it was told need
// not know. Where many requests compete none waits.
func (b *bucket) patience() time.Duration {
	if b.id.capacity >= minLeasing {
		return 0
	}
	return min(b.id.rate/singleParts, firstWithin)
}

// retryAfter is when a client that is refused now may come back.
func (b *bucket) retryAfter(now time.Time) time.Duration {
	return max(0, b.freeAt.Sub(now)-b.patience())
}

func (b *bucket) remaining() int64 {
	n := b.left
	for _, l := range []*lease{b.current, b.next} {
		if l != nil {
			n += l.permits
		}
	}
	return n
}

// want is how many permits to ask for: 1, or a lease. That is what will be used in
// four tenths of the longest lease: the service may end it after half of that, and
// the next one begins before.
func (b *bucket) want(now time.Time, timeout time.Duration) int64 {
	onItsWay := !b.leasing.IsZero() && now.Sub(b.leasing) <= timeout
	if b.id.capacity < minLeasing || b.demand.count < minDemand || onItsWay {
		return 1
	}
	n := int64(b.demand.perSpan(now, b.id.longestLease()) * 0.4)
	return max(1, min(n, b.id.capacity/maxShare))
}

// check asks for so many permits. They count as used at the end of their time, so
// that is no longer than they need.
func (b *bucket) check(now time.Time, timeout time.Duration, want int64) *check {
	within := min(timeout, b.id.rate/singleParts, firstWithin)
	if want > 1 {
		b.leasing = now
		within = b.id.longestLease() * 3 / 4
	}
	m := &policyv1.RateLimitCheck{
		Bucket: b.name, Capacity: b.id.capacity, Rate: durationpb.New(b.id.rate), Want: want, Within: durationpb.New(within),
	}
	if b.labelled.IsZero() || now.Sub(b.labelled) > b.id.rate/2 {
		m.Label = b.id.label()
	}
	return &check{message: m, bucket: b, sent: now}
}

// learn takes in a decision. One of the permits granted is for the request that
// waits, if one still does; it returns whether that was in time. The rest becomes
// a lease, which it returns when there is one.
func (b *bucket) learn(c *check, d *policyv1.RateLimitDecision, now time.Time, waiting bool) (inTime bool, fresh *lease) {
	if c.message.GetWant() > 1 && b.leasing.Equal(c.sent) {
		b.leasing = time.Time{}
	}
	if c.message.GetLabel() != nil {
		b.labelled = c.sent
	}
	b.left, b.refusedUntil = d.GetRemaining(), time.Time{}
	if wait := d.GetRetryAfter().AsDuration(); wait > 0 {
		hold := wait
		if d.GetHoldOff() != nil {
			hold = d.GetHoldOff().AsDuration()
		}
		b.freeAt, b.refusedUntil = now.Add(wait), now.Add(hold)
	}
	if !d.GetAllowed() {
		return false, nil
	}
	permits, ends := max(1, d.GetGranted()), now.Add(maxLease)
	if d.GetExpiresIn() != nil {
		ends = c.sent.Add(d.GetExpiresIn().AsDuration())
	}
	if waiting && now.Before(ends) {
		inTime = true
		permits--
	}
	if permits == 0 {
		return inTime, nil
	}
	fresh = &lease{permits: permits, size: permits, ends: ends, token: d.GetLease()}
	switch {
	case !b.current.usable(now):
		b.current = fresh
	case !b.next.usable(now):
		b.next = fresh
	}
	return inTime, fresh
}
