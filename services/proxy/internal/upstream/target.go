// Package upstream calls the APIs behind the endpoints over pooled connections. It
// balances between the targets of an endpoint, checks their health, leaves out those
// that fail, and tries again.
//
// HTTP/1.1 is spoken by the gateway's own transport, HTTP/2 by net/http, which also
// finds out what a target over TLS speaks. Both stay inside: the package speaks
// platform/message types. It knows nothing of policies, captures or clients.
package upstream

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Target is an upstream as it is called.
type Target struct {
	Scheme     string // "http" or "https"
	Host       string // host[:port] as configured
	Address    string // host:port that is dialed
	Prefix     string // path put in front of the request's, without final "/"
	SkipVerify bool   // take any certificate
}

// ParseTarget reads an upstream URL: http or https, a host, maybe a port and a
// path; nothing else.
func ParseTarget(raw string, skipVerify bool) (*Target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("upstream URL %q: %w", raw, err)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("upstream URL %q: the scheme is %q; it must be http or https", raw, u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("upstream URL %q has no host", raw)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("upstream URL %q: only scheme, host, port and path are allowed", raw)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return &Target{
		Scheme:     u.Scheme,
		Host:       u.Host,
		Address:    net.JoinHostPort(u.Hostname(), port),
		Prefix:     strings.TrimRight(u.EscapedPath(), "/"),
		SkipVerify: skipVerify,
	}, nil
}

// String is the URL that t was read from, in short form.
func (t *Target) String() string { return t.Scheme + "://" + t.Host + t.Prefix }

// url is the URL that a request-target has at t. The target's bytes are kept as
// the client wrote them.
func (t *Target) url(target string) *url.URL {
	path, query, hasQuery := strings.Cut(target, "?")
	u := &url.URL{Scheme: t.Scheme, Host: t.Host, RawQuery: query, ForceQuery: hasQuery && query == ""}
	if path == "*" {
		u.Path = "*"
		return u
	}
	path = t.Prefix + path
	if strings.HasPrefix(path, "//") {
		// As Opaque this would become an authority; EscapedPath keeps it a path.
		u.RawPath = path
		u.Path, _ = url.PathUnescape(path)
		return u
	}
	u.Opaque = path
	return u
}
