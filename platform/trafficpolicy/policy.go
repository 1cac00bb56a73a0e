package trafficpolicy

import (
	"context"
	"sync"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/expr"
)

// Policy is a compiled document: immutable and safe for concurrent use. A nil
// Policy has no rules.
type Policy struct {
	rules    [phaseCount][]*rule
	tls      *TLSTermination
	observes bool // there is something to do with responses apart from rules
	logsIn   bool // it has people log in
}

const phaseCount = 4

func (ph Phase) number() int {
	switch ph {
	case OnTCPConnect:
		return 0
	case OnHTTPRequest:
		return 1
	case OnEventStreamMessage:
		return 3
	}
	return 2
}

// rule is ready to run.
type rule struct {
	index      int // in its phase
	name       string
	phase      Phase
	conditions []*expr.Program
	actions    []boundAction
}

// boundAction is an action with what traces say about it.
type boundAction struct {
	spec   *spec
	index  int // in its rule
	label  string
	ends   bool // the phase, always
	action action
}

// Has reports whether there is something to do in a phase; one without needs no
// Run.
func (p *Policy) Has(ph Phase) bool {
	return p.hasRules(ph) || ph == OnHTTPResponse && p != nil && p.observes
}

func (p *Policy) hasRules(ph Phase) bool { return p != nil && len(p.rules[ph.number()]) > 0 }

// Input is the exchange a policy runs on. Request may be nil when only
// on_tcp_connect runs.
type Input struct {
	Conn     *message.Conn
	Endpoint *message.Endpoint
	Request  *message.Request
	Hops     int    // forwards by forward-internal that led here; see [Forward]
	ID       string // of the exchange, to name it in requests that the policy makes; may be empty
}

// Services are what actions and expressions need from outside. All but Now may
// be nil; what needs them then fails when it runs.
type Services struct {
	RateLimiter RateLimiter
	Secrets     expr.SecretSource
	IPData      expr.IPDataSource
	KeySets     *KeySets         // for jwt-validation
	HTTP        HTTPClient       // for http-request, oauth and openid-connect
	SessionKey  []byte           // secret that all proxies share, for the sessions of oauth and openid-connect
	Breakers    *Breakers        // for circuit-breaker; nil keeps their state with each policy
	Recorder    Recorder         // for capture; nil records nothing
	Now         func() time.Time // time.Now when nil
}

// RateLimiter counts requests against limits.
type RateLimiter interface {
	// Take asks for one request. It must keep to a deadline of its own; an
	// error means that the counter did not answer in time.
	Take(ctx context.Context, q RateLimitQuery) (RateLimitVerdict, error)
}

// RateLimitQuery names a bucket and its limit. Buckets are the same when all
// fields but Capacity and OnStoreError are.
type RateLimitQuery struct {
	EndpointID   string
	Name         string
	Algorithm    string        // "sliding_window"
	Capacity     int64         // requests that are admitted in any window of length Rate
	Rate         time.Duration // 60 s to 24 h
	Bucket       string        // one text for each distinct tuple of key values, at most 1 KiB
	OnStoreError StoreErrorMode
}

// RateLimitVerdict is the answer to a query.
type RateLimitVerdict struct {
	Allowed    bool
	Remaining  int64         // requests that would still be admitted; may be a lower bound
	RetryAfter time.Duration // when not allowed: how long until one can be
	Local      bool          // decided without the shared counter
}

// StoreErrorMode says what happens when the shared counter does not answer.
type StoreErrorMode string

// The modes. The limiter itself carries out Local, by its own share of the
// limit, and returns an error in the other two.
const (
	StoreErrorLocal StoreErrorMode = "local"
	StoreErrorAllow StoreErrorMode = "allow"
	StoreErrorDeny  StoreErrorMode = "deny"
)

var runs = sync.Pool{New: func() any { return new(Run) }}

// Start prepares a policy for one exchange. Call [Run.Release] when the exchange
// and its records are done.
func (p *Policy) Start(in Input, svc Services) *Run {
	r := runs.Get().(*Run)
	if svc.Now == nil {
		svc.Now = time.Now
	}
	r.policy, r.services, r.id, r.forwards = p, svc, in.ID, in.Hops
	r.vars.Conn, r.vars.Endpoint, r.vars.Request = in.Conn, in.Endpoint, in.Request
	if r.vars.Conn == nil {
		r.vars.Conn = noConn
	}
	if r.vars.Endpoint == nil {
		r.vars.Endpoint = noEndpoint
	}
	r.vars.Now, r.vars.Secrets, r.vars.IPData, r.vars.Bodies = svc.Now, svc.Secrets, svc.IPData, r
	if p != nil && p.logsIn && in.Request != nil {
		r.keepLoginSecrets(in.Request)
	}
	return r
}

// What expressions read when an exchange has no connection or endpoint, as in a
// dry run.
var (
	noConn     = new(message.Conn)
	noEndpoint = new(message.Endpoint)
)
