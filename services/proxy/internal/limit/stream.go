package limit

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/trafficpolicy"
)

// Bounds of the stream.
const (
	maxWaiting = 8192 // checks not sent yet; more are unavailable at once
	maxBatch   = 4096 // checks of one message
)

// check is one question and the way back of its answer.
type check struct {
	message *policyv1.RateLimitCheck
	answer  chan *policyv1.RateLimitDecision // holds one; nil: no answer will come
}

// stream is the one stream to the service. Whoever sends takes along all that
// wait, so that a busy proxy needs few messages and an idle one never waits.
type stream struct {
	client policyv1.RateLimitServiceClient
	log    *slog.Logger
	queue  chan *check

	mu     sync.Mutex
	up     bool
	nextID uint64
	flying map[uint64]*check
}

func newStream(client policyv1.RateLimitServiceClient, log *slog.Logger) *stream {
	return &stream{client: client, log: log, queue: make(chan *check, maxWaiting), flying: map[uint64]*check{}}
}

// ask returns the decision, or ErrUnavailable after timeout, or at once when
// there is no connection.
func (s *stream) ask(ctx context.Context, bucket string, q trafficpolicy.RateLimitQuery, timeout time.Duration) (*policyv1.RateLimitDecision, error) {
	c := &check{
		message: &policyv1.RateLimitCheck{Bucket: bucket, Capacity: q.Capacity, Rate: durationpb.New(q.Rate)},
		answer:  make(chan *policyv1.RateLimitDecision, 1),
	}
	if !s.enqueue(c) {
		return nil, ErrUnavailable
	}
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case d := <-c.answer:
		if d == nil {
			return nil, ErrUnavailable
		}
		return d, nil
	case <-late.C:
		s.forget(c.message.GetId())
		return nil, ErrUnavailable
	case <-ctx.Done():
		s.forget(c.message.GetId())
		return nil, ctx.Err()
	}
}

func (s *stream) enqueue(c *check) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up {
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

func (s *stream) forget(id uint64) {
	s.mu.Lock()
	delete(s.flying, id)
	s.mu.Unlock()
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
		}
		for more := true; more && len(batch.Checks) < maxBatch; {
			select {
			case c := <-s.queue:
				batch.Checks = append(batch.Checks, c.message)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range decisions {
		if c := s.flying[d.GetId()]; c != nil {
			delete(s.flying, d.GetId())
			c.answer <- d // it holds one
		}
	}
}

// failAll tells everyone who waits that no answer will come.
func (s *stream) failAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = false
	for len(s.queue) > 0 {
		<-s.queue
	}
	for id, c := range s.flying {
		delete(s.flying, id)
		c.answer <- nil
	}
}
