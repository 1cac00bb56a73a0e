package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/http1"
	"sluice.dev/services/proxy/internal/http1/transport"
)

// Informational is told of each 1xx response but 101, before the final one.
type Informational func(status int, header message.Header)

// Caller is who asks.
type Caller struct {
	Client netip.Addr
	Inform Informational // may be nil
}

// Call is what is known of a call besides its response.
type Call struct {
	Address      string // host:port that was called last
	Proto        string // "HTTP/1.1", "HTTP/2.0"; "" without a response
	Reused       bool   // the connection had served before
	Sent         time.Time
	Connect      time.Duration // to make the connection, name lookup included; 0 when Reused
	TLSHandshake time.Duration
	FirstByte    time.Duration // from the request sent to the response's head
	Failed       []Attempt     // before it

	begun bool // a byte of it was sent
}

// Attempt is a call that was tried again.
type Attempt struct {
	Address  string
	Sent     time.Time
	Duration time.Duration
	Status   int    // 0 without a response
	Error    string // "" when the status was the failure
}

// ownTrailers are names that only the gateway may use.
var ownTrailers = []string{answer.HeaderErrorCode, answer.HeaderExchangeID}

// call sends req to m once.
func (p *Pool) call(ctx context.Context, u *Upstream, m *member, req *message.Request, from Caller) (res *message.Response, call Call, err error) {
	call = Call{Address: m.Address, Sent: time.Now()}
	if mux := p.multiplexer(u, m, req); mux != nil {
		res, err = p.callMux(ctx, mux, u, m, req, from.Inform, &call)
	} else {
		res, err = p.callLean(ctx, u, m, req, from.Inform, &call)
	}
	if err != nil {
		return nil, call, failure(ctx, m.Target, err)
	}
	call.Proto = res.Proto
	return res, call, nil
}

// multiplexer is the transport that calls m by HTTP/2 or negotiates it; nil when
// the gateway's own does. Upgrades are HTTP/1.1's (RFC 9110 section 7.8).
func (p *Pool) multiplexer(u *Upstream, m *member, req *message.Request) *http.Transport {
	trusting := 0
	if m.SkipVerify {
		trusting = 1
	}
	switch {
	case http1.Upgrade(req.Header) != "", u.http1:
		return nil
	case u.http2 && m.Scheme == "http":
		return p.mux[clearHTTP2]
	case u.http2:
		return p.mux[onlyHTTP2+trusting]
	case m.Scheme == "https" && !m.plainTLS.Load():
		return p.mux[negotiating+trusting]
	}
	return nil
}

// callLean calls by the gateway's own HTTP/1.1.
func (p *Pool) callLean(ctx context.Context, u *Upstream, m *member, req *message.Request, info Informational, call *Call) (*message.Response, error) {
	res, trace, err := p.lean.RoundTrip(ctx, transport.Target{Address: m.Address, TLS: p.leanTLS(m)}, transport.Call{
		Request: req, Server: http1.Server{Prefix: m.Prefix, Host: m.Host}, Inform: transport.Informational(info), DropTrailers: ownTrailers, Timeouts: u.timeouts,
	})
	call.Reused, call.Connect, call.TLSHandshake, call.begun = trace.Reused, trace.Connect, trace.TLSHandshake, trace.Begun
	if err != nil {
		if refusedProtocol(err) {
			m.plainTLS.Store(false) // it has changed: ask again what it speaks
		}
		return nil, err
	}
	call.FirstByte = res.Received.Sub(trace.Sent)
	return res, nil
}

func (p *Pool) leanTLS(m *member) *tls.Config {
	switch {
	case m.Scheme == "http":
		return nil
	case m.SkipVerify:
		return p.tls[1]
	}
	return p.tls[0]
}

// refusedProtocol reports whether the server speaks none of what was offered (RFC
// 7301 section 3.2).
func refusedProtocol(err error) bool {
	const noApplicationProtocol = tls.AlertError(120)
	var alert tls.AlertError
	return errors.As(err, &alert) && alert == noApplicationProtocol
}
