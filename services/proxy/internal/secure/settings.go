// Package secure tells how the connections to an endpoint are to be secured, as the
// terminate-tls action of its policy says, and whether one was.
//
// It shakes no hands; the front end does.
package secure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/control"
)

// States gives the configuration in force; nil before the first one.
type States interface {
	State() *control.State
}

// Settings are those of all endpoints. It is safe for concurrent use.
type Settings struct {
	states  States
	log     *slog.Logger
	current atomic.Pointer[generation]
}

// generation is what was made of one configuration.
type generation struct {
	state *control.State
	mu    sync.Mutex
	made  map[*trafficpolicy.TLSTermination]made
}

// made is what a policy's words amount to.
type made struct {
	config *tls.Config
	err    error
}

// New returns the settings of whatever configuration is in force.
func New(states States, log *slog.Logger) *Settings { return &Settings{states: states, log: log} }

// Terms implements front.Terms: what the endpoint says that a connection to this
// server name and port is probably for. Which one a request is for shows only later;
// see [Settings.Met]. What cannot be made of a policy, such as for want of a secret,
// refuses the connection.
func (s *Settings) Terms(ctx context.Context, serverName string, port uint16) (*tls.Config, any, error) {
	state := s.states.State()
	if state == nil || serverName == "" {
		return nil, nil, nil
	}
	at := strconv.Itoa(int(port))
	e, ok := state.Routes.Find("https", serverName+":"+at, at)
	if !ok || e.Policy.TLS() == nil {
		return nil, nil, nil
	}
	m := s.make(ctx, state, e.Policy.TLS(), e.ID)
	return m.config, e.Policy.TLS(), m.err
}

// Met reports whether a connection, whatever it was made for, is secured as a policy
// wants. A connection without TLS is as long as no client certificate is asked for:
// then a trusted proxy in front has ended TLS.
func (s *Settings) Met(ctx context.Context, conn *message.Conn, t *trafficpolicy.TLSTermination) bool {
	if conn.TLSTerms.Load() == any(t) {
		return true
	}
	if conn.TLS == nil {
		return t.ClientAuth == tls.NoClientCert || t.ClientAuth == tls.RequestClientCert
	}
	state := s.states.State()
	if state == nil || !versionMet(conn.TLS.Version, t) {
		return false
	}
	m := s.make(ctx, state, t, "")
	if m.err != nil || !clientMet(conn.TLS.PeerCertificates, t.ClientAuth, m.config) {
		return false
	}
	conn.TLSTerms.Store(t)
	return true
}

func versionMet(version string, t *trafficpolicy.TLSTermination) bool {
	v := uint16(tls.VersionTLS12) // nothing below is spoken
	if version == "1.3" {
		v = tls.VersionTLS13
	}
	return v >= t.MinVersion && (t.MaxVersion == 0 || v <= t.MaxVersion)
}

// clientMet verifies a certificate as crypto/tls does in a handshake.
func clientMet(chain []*x509.Certificate, auth tls.ClientAuthType, config *tls.Config) bool {
	switch {
	case auth == tls.NoClientCert || auth == tls.RequestClientCert:
		return true
	case len(chain) == 0:
		return false
	case auth == tls.RequireAnyClientCert:
		return true
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: config.ClientCAs, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err == nil
}

// make reads certificates and secrets once for each configuration.
func (s *Settings) make(ctx context.Context, state *control.State, t *trafficpolicy.TLSTermination, endpointID string) made {
	g := s.generation(state)
	g.mu.Lock()
	defer g.mu.Unlock()
	m, ok := g.made[t]
	if !ok {
		m.config, m.err = t.Config(ctx, trafficpolicy.Services{Secrets: secrets{state}})
		if ctx.Err() != nil {
			return m // says nothing about the next one
		}
		if m.err != nil {
			s.log.Error("a policy's terminate-tls cannot be used: its connections are refused", "endpoint", endpointID, "error", m.err)
		}
		g.made[t] = m
	}
	return m
}

func (s *Settings) generation(state *control.State) *generation {
	g := s.current.Load()
	if g == nil || g.state != state {
		g = &generation{state: state, made: map[*trafficpolicy.TLSTermination]made{}}
		s.current.Store(g) // of two that do this at once, the later one stays
	}
	return g
}

// secrets reads those of one configuration.
type secrets struct{ state *control.State }

// Secret implements expr.SecretSource.
func (s secrets) Secret(_ context.Context, vault, name string) (string, error) {
	one, err := s.state.Secret(vault, name)
	if err != nil {
		return "", err
	}
	return one.Value, nil
}
