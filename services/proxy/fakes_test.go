package proxy_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// server is a gRPC server that can be stopped and started again on its address.
type server struct {
	t        testing.TB
	register func(*grpc.Server)
	address  string
	mu       sync.Mutex
	running  *grpc.Server
}

func startServer(t testing.TB, register func(*grpc.Server)) *server {
	t.Helper()
	s := &server{t: t, register: register, address: "127.0.0.1:0"}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *server) start() {
	s.t.Helper()
	var l net.Listener
	eventually(s.t, "the address", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", s.address)
		return err == nil
	})
	s.address = l.Addr().String()
	running := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	s.register(running)
	s.mu.Lock()
	s.running = running
	s.mu.Unlock()
	go func() { _ = running.Serve(l) }()
}

func (s *server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running.Stop()
}

// policyServer is the policy service, as far as a proxy sees it.
type policyServer struct {
	policyv1.UnimplementedDistributionServiceServer
	policyv1.UnimplementedRateLimitServiceServer

	mu       sync.Mutex
	snapshot *policyv1.Snapshot
	watchers map[chan *policyv1.WatchResponse]bool
	decide   func(*policyv1.RateLimitCheck) *policyv1.RateLimitDecision // nil: never answers
	messages int                                                        // DecideRequests taken
	checks   int
}

func newPolicyServer(t testing.TB, endpoints ...*policyv1.Endpoint) (*policyServer, *server) {
	t.Helper()
	p := &policyServer{
		snapshot: &policyv1.Snapshot{Revision: 1, Endpoints: endpoints, ReplayKey: []byte("replay key of the tests"),
			Capture: &policyv1.CaptureSettings{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL}},
		watchers: map[chan *policyv1.WatchResponse]bool{},
	}
	return p, startServer(t, func(g *grpc.Server) {
		policyv1.RegisterDistributionServiceServer(g, p)
		policyv1.RegisterRateLimitServiceServer(g, p)
	})
}

func (p *policyServer) Watch(_ *policyv1.WatchRequest, to grpc.ServerStreamingServer[policyv1.WatchResponse]) error {
	changes := make(chan *policyv1.WatchResponse, 100)
	p.mu.Lock()
	p.watchers[changes] = true
	first := &policyv1.WatchResponse{Update: &policyv1.WatchResponse_Snapshot{Snapshot: proto.CloneOf(p.snapshot)}}
	p.mu.Unlock()
	defer func() { p.mu.Lock(); delete(p.watchers, changes); p.mu.Unlock() }()
	if err := to.Send(first); err != nil {
		return err
	}
	for {
		select {
		case <-to.Context().Done():
			return nil
		case c := <-changes:
			if err := to.Send(c); err != nil {
				return err
			}
		}
	}
}

// change publishes a revision.
func (p *policyServer) change(d *policyv1.Delta) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.snapshot.Revision = d.GetRevision()
	for w := range p.watchers {
		w <- &policyv1.WatchResponse{Update: &policyv1.WatchResponse_Delta{Delta: d}}
	}
}

func (p *policyServer) setDecide(f func(*policyv1.RateLimitCheck) *policyv1.RateLimitDecision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide = f
}

func (p *policyServer) counts() (messages, checks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.messages, p.checks
}

func (p *policyServer) Decide(stream grpc.BidiStreamingServer[policyv1.DecideRequest, policyv1.DecideResponse]) error {
	for {
		req, err := stream.Recv()
		if err != nil {
			return nil
		}
		p.mu.Lock()
		decide := p.decide
		p.messages++
		p.checks += len(req.GetChecks())
		p.mu.Unlock()
		if decide == nil {
			continue
		}
		res := &policyv1.DecideResponse{}
		for _, c := range req.GetChecks() {
			d := decide(c)
			d.Id = c.GetId()
			res.Decisions = append([]*policyv1.RateLimitDecision{d}, res.Decisions...) // in another order
		}
		if err := stream.Send(res); err != nil {
			return err
		}
	}
}

// admit counts to capacity and refuses from then on.
func admit(retry time.Duration) func(*policyv1.RateLimitCheck) *policyv1.RateLimitDecision {
	var mu sync.Mutex
	taken := map[string]int64{}
	return func(c *policyv1.RateLimitCheck) *policyv1.RateLimitDecision {
		mu.Lock()
		defer mu.Unlock()
		if taken[c.GetBucket()] >= c.GetCapacity() {
			return &policyv1.RateLimitDecision{RetryAfter: durationpb.New(retry)}
		}
		taken[c.GetBucket()]++
		return &policyv1.RateLimitDecision{Allowed: true, Remaining: c.GetCapacity() - taken[c.GetBucket()]}
	}
}

// captureServer is the capture service's ingest.
type captureServer struct {
	capturev1.UnimplementedIngestServiceServer

	mu         sync.Mutex
	exchanges  map[string]*capturev1.Exchange
	order      []string          // ids in the order in which they were first stored
	batches    map[string]string // id to content
	deliveries int
	conflict   string // a batch came again with other content
	accounting *capturev1.ProxyAccounting
	mute       bool // store, but do not acknowledge
	refuse     bool
}

func newCaptureServer(t testing.TB) (*captureServer, *server) {
	t.Helper()
	c := &captureServer{exchanges: map[string]*capturev1.Exchange{}, batches: map[string]string{}}
	return c, startServer(t, func(g *grpc.Server) { capturev1.RegisterIngestServiceServer(g, c) })
}

func (c *captureServer) Ingest(stream grpc.BidiStreamingServer[capturev1.IngestRequest, capturev1.IngestResponse]) error {
	for {
		req, err := stream.Recv()
		if err != nil {
			return nil
		}
		ack, err := c.take(req)
		if err != nil {
			return err
		}
		if ack != "" {
			if err := stream.Send(&capturev1.IngestResponse{BatchId: ack}); err != nil {
				return err
			}
		}
	}
}

func (c *captureServer) take(req *capturev1.IngestRequest) (ack string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse {
		return "", status.Error(codes.Unavailable, "refused by the test")
	}
	if req.GetAccounting() != nil {
		c.accounting = req.GetAccounting()
	}
	b := req.GetBatch()
	if b == nil {
		return "", nil
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(b)
	if err != nil {
		return "", err
	}
	c.deliveries++
	if before, again := c.batches[b.GetId()]; again && before != string(raw) {
		c.conflict = b.GetId()
	}
	c.batches[b.GetId()] = string(raw)
	for _, e := range b.GetExchanges() {
		if c.exchanges[e.GetId()] == nil {
			c.order = append(c.order, e.GetId())
		}
		c.exchanges[e.GetId()] = e
	}
	if c.mute {
		return "", nil
	}
	return b.GetId(), nil
}

func (c *captureServer) set(f func(c *captureServer)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c)
}

func (c *captureServer) stored() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.exchanges)
}

func (c *captureServer) exchange(id string) *capturev1.Exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exchanges[id]
}

func (c *captureServer) report() *capturev1.ProxyAccounting {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accounting
}

// eventually polls a condition with a deadline.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s did not come in time", what)
		case <-tick.C:
		}
	}
}

// delta is a revision that changes one endpoint.
func delta(e *policyv1.Endpoint) *policyv1.Delta {
	return &policyv1.Delta{Revision: e.GetRevision(), Changed: []*policyv1.Endpoint{e}}
}
