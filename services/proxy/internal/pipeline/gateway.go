package pipeline

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/trace"

	"sluice.dev/platform/id"
	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/control"
	"sluice.dev/services/proxy/internal/tap"
	"sluice.dev/services/proxy/internal/upstream"
)

// Config changes how requests are treated.
type Config struct {
	// TrustedProxies are peers whose X-Forwarded-For tells who the client is. For
	// all others the client is the peer itself.
	TrustedProxies []netip.Prefix
	// DropForwarded drops X-Forwarded-* that other peers sent, instead of
	// appending to them.
	DropForwarded bool
	// Tracer makes a span of each request and of each call to an upstream; nil for
	// none.
	Tracer trace.Tracer
	// TLS tells whether connections are secured as policies want; nil: all are.
	TLS TLSTerms
}

// TLSTerms knows what terminate-tls asks for.
type TLSTerms interface {
	// Met reports whether a connection is secured as a policy wants.
	Met(ctx context.Context, conn *message.Conn, t *trafficpolicy.TLSTermination) bool
}

// States gives the configuration in force; nil before the first one.
type States interface {
	State() *control.State
}

// Upstreams calls what stands behind the endpoints.
type Upstreams interface {
	// Do sends req and returns the response once its head is there; its Body must be
	// closed. With status 101 the Body is an io.ReadWriteCloser. The error is a
	// *upstream.CallError, or wraps upstream.ErrClientGone.
	Do(ctx context.Context, u *upstream.Upstream, req *message.Request, from upstream.Caller) (*message.Response, upstream.Call, error)
}

// Gateway serves requests. It is safe for concurrent use.
type Gateway struct {
	cfg      Config
	states   States
	pool     Upstreams
	tap      *tap.Tap
	services trafficpolicy.Services
	metrics  *metrics
	log      *slog.Logger
	said     struct{ faulty, policy, forged occasionally }
}

// New returns a gateway.
func New(cfg Config, states States, pool Upstreams, t *tap.Tap, services trafficpolicy.Services, reg Registerer, log *slog.Logger) *Gateway {
	return &Gateway{cfg: cfg, states: states, pool: pool, tap: t, services: services, metrics: newMetrics(reg), log: log}
}

// Active is the number of requests being served.
func (g *Gateway) Active() uint64 { return uint64(max(0, g.metrics.active.Load())) }

// Rejected counts an answer to bytes that were no request.
func (g *Gateway) Rejected(status int) { g.metrics.done(status, 0) }

// Serve takes one request to the end of its response. It reports whether the
// client's connection may be kept; if not, it must be cut off.
func (g *Gateway) Serve(ctx context.Context, conn *message.Conn, req *message.Request, to Client) (keep bool) {
	x := &exchange{Gateway: g, ctx: ctx, peer: conn, conn: conn, req: req, to: to, id: id.Exchange.New(), state: g.states.State()}
	g.metrics.active.Add(1)
	x.trustPeer()
	x.host, x.scheme = req.Host, req.Scheme
	x.replayed()
	x.record = g.tap.Begin(x.id, x.conn, req)
	if x.record != nil {
		x.record.ReplayOf = x.replayOf
	}
	x.beginSpan()
	x.guarded()
	x.end()
	return !x.cut
}

// exchange is one request and what becomes of it.
type exchange struct {
	*Gateway
	ctx    context.Context
	peer   *message.Conn // who connected
	conn   *message.Conn // the client, as far as peer is trusted to tell
	req    *message.Request
	to     Client
	id     string
	state  *control.State
	leg    // of the endpoint that the client asked
	inner  []*leg
	record *tap.Recording
	span   trace.Span // nil without a tracer

	called    []string           // endpoints whose upstreams were called
	forwarded bool               // the request has its X-Forwarded-* fields
	body      *upstream.KeptBody // the request's, while an internal endpoint sends it on

	caller *exchange // whose policy makes this request; nil for a client's
	depth  int       // of callers

	scheme, host string // as the client asked, before the policy
	replayOf     string
	secrets      []*redact.Secret // that the policy read
	policyTime   time.Duration
	status       int  // of the response; 0 while none was begun
	cut          bool // the connection cannot be kept
}

// guarded serves, and turns a panic into an error of the gateway.
func (x *exchange) guarded() {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		x.log.Error("panic while serving a request", "exchange", x.id, "panic", p, "stack", string(debug.Stack()))
		if x.status == 0 {
			x.fail(&answer.Failure{Status: 500, Code: answer.CodeGateway, Message: "internal error of the gateway; its log has the details"})
			return
		}
		x.record.Fail(answer.CodeGateway, "internal error of the gateway")
		x.cut = true
	}()
	x.serve()
}

func (x *exchange) end() {
	x.endSpan()
	x.notePolicy()
	x.metrics.active.Add(-1)
	x.metrics.done(x.status, time.Since(x.req.Received))
	x.tap.End(x.record)
	if x.run != nil {
		x.run.Release()
	}
	for _, l := range x.inner {
		if l.run != nil {
			l.run.Release()
		}
	}
}
