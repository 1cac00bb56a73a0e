package limit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/trafficpolicy"
)

// Bounds of the stream.
const (
	maxWaiting = 8192  // checks, and returns, not sent yet; more are unavailable at once
	maxFlying  = 16384 // checks without their answers, those for which nobody waits included
	maxBatch   = 4096  // checks and returns of one message
)

// check is one question. The answer goes to the limiter, and from it to the
// request that waits, if one does.
type check struct {
	message   *policyv1.RateLimitCheck
	bucket    *bucket
	sent      time.Time
	answer    chan answer // holds one; nil: nobody waits
	abandoned atomic.Bool // nobody waits any more
}

// answer is what a request that waits is told.
type answer struct {
	verdict trafficpolicy.RateLimitVerdict
	kind    answerKind
	free    time.Duration // when refused: until the counter has a permit
}

type answerKind int

const (
	decided answerKind = iota
	tooLate            // there was a permit, and its time is over
	failed             // the counter could not be asked
)

// stream is the one stream to the service. Whoever sends takes along all that
// wait, so that a busy proxy needs few messages and an idle one never waits.
type stream struct {
	client  policyv1.RateLimitServiceClient
	decided func(*check, *policyv1.RateLimitDecision) // nil: no answer will come
	log     *slog.Logger
	queue   chan *check
	returns chan *policyv1.RateLimitReturn

	mu     sync.Mutex
	up     bool
	nextID uint64
	flying map[uint64]*check
}

func newStream(client policyv1.RateLimitServiceClient, decided func(*check, *policyv1.RateLimitDecision), log *slog.Logger) *stream {
	return &stream{
		client: client, decided: decided, log: log, flying: map[uint64]*check{},
		queue: make(chan *check, maxWaiting), returns: make(chan *policyv1.RateLimitReturn, maxWaiting),
	}
}

// enqueue has a check sent; false when there is no connection, or too many wait
// for their answers.
func (s *stream) enqueue(c *check) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up || len(s.flying) >= maxFlying && !s.sweep() {
		return false
	}
	s.nextID++
	c.message.Id = s.nextID
	select {
	case s.queue <- c:
		s.flying[s.nextID] = c
		return true
	default:
		return false
	}
}

// sweep forgets checks for which nobody waits, and says whether there were any.
func (s *stream) sweep() bool {
	for id, c := range s.flying {
		if c.answer == nil || c.abandoned.Load() {
			delete(s.flying, id)
		}
	}
	return len(s.flying) < maxFlying
}

// giveBack has permits returned; false when that cannot be: they stay counted
// until they leave the window.
func (s *stream) giveBack(r *policyv1.RateLimitReturn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up {
		return false
	}
	select {
	case s.returns <- r:
		return true
	default:
		return false
	}
}

// run opens the stream again and again until ctx ends.
func (s *stream) run(ctx context.Context) error {
	var wait time.Duration
	told := false
	for {
		began := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > 10*time.Second {
			wait, told = 0, false
		}
		if !told {
			told = true
			s.log.Warn("not connected to the rate limit counter; rules decide by their on_store_error", "error", err)
		}
		wait = min(max(2*wait, 100*time.Millisecond), 3*time.Second)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait/2 + rand.N(wait/2)): // #nosec G404 -- jitter needs no secrecy
		}
	}
}

func (s *stream) once(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	grpc, err := s.client.Decide(ctx)
	if err != nil {
		return err
	}
	s.setUp()
	sent := make(chan struct{})
	go func() { defer close(sent); s.send(ctx, grpc); cancel() }()
	defer func() { cancel(); <-sent; s.failAll() }()
	for {
		res, err := grpc.Recv()
		if err != nil {
			return err
		}
		s.deliver(res.GetDecisions())
	}
}

func (s *stream) setUp() {
	s.mu.Lock()
	s.up = true
	s.mu.Unlock()
}

// send takes what waits, all of it at a time, until the stream ends.
func (s *stream) send(ctx context.Context, to policyv1.RateLimitService_DecideClient) {
	for {
		batch := &policyv1.DecideRequest{}
		select {
		case <-ctx.Done():
			return
		case c := <-s.queue:
			batch.Checks = append(batch.Checks, c.message)
		case r := <-s.returns:
			batch.Returns = append(batch.Returns, r)
		}
		for more := true; more && len(batch.Checks)+len(batch.Returns) < maxBatch; {
			select {
			case c := <-s.queue:
				batch.Checks = append(batch.Checks, c.message)
			case r := <-s.returns:
				batch.Returns = append(batch.Returns, r)
			default:
				more = false
			}
		}
		if to.Send(batch) != nil {
			return // the receiver sees why
		}
	}
}

func (s *stream) deliver(decisions []*policyv1.RateLimitDecision) {
	for _, d := range decisions {
		s.mu.Lock()
		c := s.flying[d.GetId()]
		delete(s.flying, d.GetId())
		s.mu.Unlock()
		if c != nil {
			s.decided(c, d)
		}
	}
}

// failAll tells everyone who waits that no answer will come.
func (s *stream) failAll() {
	s.mu.Lock()
	s.up = false
	for len(s.queue) > 0 {
		<-s.queue
	}
	for len(s.returns) > 0 {
		<-s.returns
	}
	flying := s.flying
	s.flying = map[uint64]*check{}
	s.mu.Unlock()
	for _, c := range flying {
		s.decided(c, nil)
	}
}
