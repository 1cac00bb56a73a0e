package expr

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/message"
)

// SecretSource reads a secret's value when an expression needs it. The value
// never appears in errors or traces.
type SecretSource interface {
	Secret(ctx context.Context, vault, name string) (string, error)
}

// IPDataSource knows where addresses are and who uses them. Lookup reads
// memory; it returns nil for an address it knows nothing about.
type IPDataSource interface {
	Lookup(netip.Addr) *IPData
}

// Vars is what an expression sees: one exchange, read lazily. It belongs to one
// goroutine and is reused through [Vars.Reset].
type Vars struct {
	Conn     *message.Conn
	Endpoint *message.Endpoint
	Request  *message.Request  // nil before the request
	Response *message.Response // nil before the response
	Now      func() time.Time
	Secrets  SecretSource // may be nil: secrets.get fails
	IPData   IPDataSource // may be nil: conn.geo and friends have no value
	Bodies   Bodies       // may be nil: req.body and res.body have no value

	env     *Env
	ctx     context.Context
	now     time.Time
	user    map[string]ref.Val
	results [][]ref.Val
	retry   Retry
	used    []string // secret values that were read, to keep out of traces

	requestHeaders, responseHeaders headerMap
}

// Begin makes v ready to evaluate in env's phase; values set in the phase
// before are forgotten, results stay.
func (v *Vars) Begin(ctx context.Context, env *Env) {
	v.env, v.ctx, v.now = env, ctx, time.Time{}
	clear(v.user)
	v.requestHeaders = headerMap{}
	v.responseHeaders = headerMap{}
	if v.Request != nil {
		v.requestHeaders = headerMap{header: &v.Request.Header, host: &v.Request.Host}
	}
	if v.Response != nil {
		v.responseHeaders = headerMap{header: &v.Response.Header}
	}
}

// Reset forgets everything, so that v can serve another exchange.
func (v *Vars) Reset() {
	results := v.results
	for i := range results {
		clear(results[i])
		results[i] = results[i][:0]
	}
	user := v.user
	clear(user)
	*v = Vars{results: results, user: user}
}

// ResolveName implements cel.Activation.
func (v *Vars) ResolveName(name string) (any, bool) {
	if get, ok := v.env.getters[name]; ok {
		return get(v), true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (v *Vars) Parent() cel.Activation { return nil }

// Time is the moment of this phase: every expression of it reads the same.
func (v *Vars) Time() time.Time {
	if v.now.IsZero() {
		v.now = v.Now()
	}
	return v.now
}

// Set gives vars.name a value for the rest of the phase.
func (v *Vars) Set(name string, value ref.Val) {
	if v.user == nil {
		v.user = make(map[string]ref.Val)
	}
	v.user[name] = value
}

// Publish sets the result variables of the action type that owns slot, in the
// order they were declared; nil means absent. The last run wins.
func (v *Vars) Publish(slot int, values ...ref.Val) {
	for len(v.results) <= slot {
		v.results = append(v.results, nil)
	}
	v.results[slot] = append(v.results[slot][:0], values...)
}

// Published returns what the last run of slot published; nil if it has not run.
func (v *Vars) Published(slot int) []ref.Val {
	if slot >= len(v.results) {
		return nil
	}
	return v.results[slot]
}

// SecretsRead returns the secret values read so far, so that a trace can leave
// them out.
func (v *Vars) SecretsRead() []string { return v.used }

// KeepSecret keeps a value out of errors and traces, as if it had been read.
func (v *Vars) KeepSecret(value string) {
	if value != "" && !slices.Contains(v.used, value) {
		v.used = append(v.used, value)
	}
}

func (v *Vars) userVars() ref.Val {
	if v.user == nil {
		v.user = make(map[string]ref.Val)
	}
	return types.NewDynamicMap(types.DefaultTypeAdapter, v.user)
}
