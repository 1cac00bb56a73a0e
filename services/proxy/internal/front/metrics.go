package front

import "github.com/prometheus/client_golang/prometheus"

// What a client was too slow at.
const (
	slowHandshake = "handshake" // the TLS handshake, or the PROXY protocol's header
	slowHead      = "head"      // sending a request head that it had begun
	slowBody      = "body"      // sending the next part of a request body
	slowResponse  = "response"  // taking the next part of a response
)

// Metrics count what happens to connections. The listeners of a process share one.
type Metrics struct {
	connections map[string]prometheus.Counter // by protocol
	cut         map[string]prometheus.Counter // by what was too slow
	handshakes  prometheus.Counter
}

// NewMetrics registers the metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	connections := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_proxy_connections_total",
		Help: "Connections of clients by the protocol that they turned out to speak.",
	}, []string{"protocol"})
	cut := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_proxy_slow_clients_total",
		Help: "Clients that were cut off because they were too slow, by what they were slow at.",
	}, []string{"at"})
	m := &Metrics{connections: map[string]prometheus.Counter{}, cut: map[string]prometheus.Counter{}, handshakes: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "sluice_proxy_tls_handshake_failures_total",
		Help: "TLS handshakes that failed, such as for a client certificate that was wanted and not shown.",
	})}
	for _, protocol := range []string{http1Plain, http1TLS, http2Plain, http2TLS} {
		m.connections[protocol] = connections.WithLabelValues(protocol)
	}
	for _, at := range []string{slowHandshake, slowHead, slowBody, slowResponse} {
		m.cut[at] = cut.WithLabelValues(at)
	}
	reg.MustRegister(connections, cut, m.handshakes)
	return m
}

// The protocols that clients speak.
const (
	http1Plain = "http"
	http1TLS   = "https"
	http2Plain = "h2c"
	http2TLS   = "h2"
)
