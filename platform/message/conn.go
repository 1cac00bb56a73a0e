package message

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"sync/atomic"
	"time"
)

// Conn is the client's connection. One Conn serves many requests and is only
// passed by pointer.
type Conn struct {
	ClientAddr netip.AddrPort // layer 4 source; never taken from X-Forwarded-For
	ServerAddr netip.AddrPort // the address that the connection came in on
	// ServerRegion names where this proxy stands, as configured; may be empty.
	ServerRegion string
	Start        time.Time
	TLS          *TLS // nil on a connection without TLS
	// TLSTerms stand for the terms under which the session was made, or that it was
	// later found to meet; always of one type. Empty without any.
	TLSTerms atomic.Value
	BytesIn  atomic.Int64 // received from the client so far
	BytesOut atomic.Int64 // sent to the client so far
}

// TLS describes the TLS session of a connection. It is not changed after the
// handshake.
type TLS struct {
	Version          string // "1.2", "1.3"
	CipherSuite      string // IANA name, such as "TLS_AES_128_GCM_SHA256"
	ServerName       string // SNI; "" when the client sent none
	ALPN             string // negotiated protocol; "" when none was
	Resumed          bool
	JA4              string              // fingerprint of the ClientHello; "" when it was not taken
	PeerCertificates []*x509.Certificate // the client's chain, leaf first; empty without mutual TLS
	Certificate      *x509.Certificate   // the leaf that was shown to the client; may be nil
}

// TLSOf describes a finished handshake; shown is the leaf certificate that the
// server used, or nil.
func TLSOf(state tls.ConnectionState, shown *x509.Certificate) *TLS {
	return &TLS{
		Version:          versionName(state.Version),
		CipherSuite:      tls.CipherSuiteName(state.CipherSuite),
		ServerName:       state.ServerName,
		ALPN:             state.NegotiatedProtocol,
		Resumed:          state.DidResume,
		PeerCertificates: state.PeerCertificates,
		Certificate:      shown,
	}
}

func versionName(v uint16) string {
	switch v {
	case tls.VersionTLS10:
		return "1.0"
	case tls.VersionTLS11:
		return "1.1"
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return "unknown"
}

// Endpoint is the published address that took a request.
type Endpoint struct {
	ID     string // "ep_..."
	Name   string
	URL    string // as published, such as "https://api.example.com"
	Scheme string // http, https, tcp or tls
	Host   string
	Port   int
}
