// Package route finds who serves a request: by scheme, host and port, exact
// addresses before wildcards.
//
// It knows addresses only; what is served at them is the caller's.
package route

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Address is where something is published.
type Address struct {
	Scheme   string // "http" or "https"
	Host     string // lower case, without port; without the "*." of a wildcard
	Port     string // "" is the scheme's own
	Wildcard bool   // any depth of labels in front of Host
}

// ParseURL reads a published URL, such as "https://*.example.com:8443".
func ParseURL(s string) (Address, error) {
	u, err := url.Parse(s)
	if err != nil {
		return Address{}, fmt.Errorf("endpoint URL %q: %w", s, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return Address{}, fmt.Errorf("endpoint URL %q: the scheme is %q; it must be http or https", s, u.Scheme)
	}
	a := Address{Scheme: u.Scheme, Host: normalHost(u.Hostname()), Port: normalPort(u.Scheme, u.Port())}
	if rest, ok := strings.CutPrefix(a.Host, "*."); ok {
		a.Host, a.Wildcard = rest, true
	}
	if a.Host == "" || strings.Contains(a.Host, "*") {
		return Address{}, fmt.Errorf("endpoint URL %q: the host must be a name, an address, or \"*.\" and a name", s)
	}
	return a, nil
}

// DefaultPort is the port that URLs of this scheme leave out.
func DefaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

func normalPort(scheme, port string) string {
	if port == DefaultPort(scheme) {
		return ""
	}
	return port
}

// normalHost is host as it is compared: lower case, without a final dot and
// without the brackets of an IPv6 literal.
func normalHost(host string) string {
	host = strings.TrimSuffix(host, ".")
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return strings.ToLower(host) // returns host itself when nothing changes
}

// splitHost parts a Host field into host and port ("" when it names none).
func splitHost(field string) (host, port string) {
	colon := strings.LastIndexByte(field, ':')
	if colon < 0 || strings.HasSuffix(field, "]") {
		return field, ""
	}
	if strings.IndexByte(field[:colon], ':') >= 0 && field[0] != '[' {
		return field, "" // a bare IPv6 address
	}
	if h, p, err := net.SplitHostPort(field); err == nil {
		return h, p
	}
	return field[:colon], field[colon+1:]
}
