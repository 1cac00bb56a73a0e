package ratelimit

import (
	"context"
	"errors"
	"io"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
)

// inFlight bounds the messages of one stream that wait for their answer. A
// stream with more is read no further until some are answered.
const inFlight = 256

// Service is policyv1.RateLimitServiceServer.
type Service struct {
	policyv1.UnimplementedRateLimitServiceServer
	limiter *Limiter
	closing <-chan struct{}
}

// NewService returns the service over a limiter. Its streams end when closing is
// closed.
func NewService(l *Limiter, closing <-chan struct{}) *Service {
	return &Service{limiter: l, closing: closing}
}

// Decide implements policyv1.RateLimitServiceServer.
func (s *Service) Decide(stream policyv1.RateLimitService_DecideServer) error {
	ctx := stream.Context()
	answers := make(chan *policyv1.DecideResponse, inFlight)
	free := make(chan struct{}, inFlight)
	ended := make(chan error, 1)
	go func() { ended <- s.receive(ctx, stream, free, answers) }()
	for {
		select {
		case a := <-answers:
			<-free
			if err := stream.Send(a); err != nil {
				return err
			}
		case err := <-ended:
			if err != nil {
				return err
			}
			return flush(ctx, stream, free, answers)
		case <-s.closing:
			return errs.Unavailable("the policy service is stopping; ask another or try again")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// receive hands checks to the limiter until the client sends no more.
func (s *Service) receive(ctx context.Context, stream policyv1.RateLimitService_DecideServer, free chan<- struct{}, answers chan<- *policyv1.DecideResponse) error {
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.limiter.submit(job{checks: req.GetChecks(), returns: req.GetReturns(), arrived: time.Now(), done: func(d []*policyv1.RateLimitDecision) {
			answers <- &policyv1.DecideResponse{Decisions: d} // has room for all in flight
		}})
	}
}

// flush sends what is still being decided.
func flush(ctx context.Context, stream policyv1.RateLimitService_DecideServer, free <-chan struct{}, answers <-chan *policyv1.DecideResponse) error {
	for len(free) > 0 {
		select {
		case a := <-answers:
			<-free
			if err := stream.Send(a); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
