package endpoint

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"sluice.dev/platform/errs"
)

// defaultPorts are left out of a URL (RFC 3986 section 6.2.3).
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// publicURL is raw in the one form under which endpoints are compared: scheme
// (https when missing), host in lower case, port unless it is the scheme's own.
func publicURL(raw string) (string, error) {
	u, err := split("url", raw, "https")
	if err != nil {
		return "", err
	}
	if u.Path != "" && u.Path != "/" {
		return "", field("url", "choose by path in the traffic policy instead", "an endpoint is a whole host; %q has the path %q", raw, u.Path)
	}
	host, err := publicHost(u.Hostname())
	if err != nil {
		return "", err
	}
	return assemble("url", u, host)
}

// split parses raw, with a scheme put in front when it has none, and refuses what
// neither an endpoint nor an upstream may have.
func split(name, raw, scheme string) (*url.URL, error) {
	text := strings.TrimSpace(raw)
	if text == "" {
		return nil, field(name, "such as https://api.example.com", "is empty")
	}
	if !strings.Contains(text, "://") {
		text = scheme + "://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, field(name, "such as https://api.example.com", "%q is not a URL", raw)
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch {
	case defaultPorts[u.Scheme] == "":
		return nil, field(name, "use http:// or https://", "the scheme %q is not supported", u.Scheme)
	case u.User != nil:
		return nil, field(name, "add an authorization header by the traffic policy instead", "a user name or password does not belong in the URL")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, field(name, "leave out what begins with ?", "a query does not belong in the URL")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return nil, field(name, "leave out what begins with #", "a fragment does not belong in the URL")
	case u.Hostname() == "":
		return nil, field(name, "such as https://api.example.com", "%q has no host", raw)
	}
	return u, nil
}

// publicHost normalises the host of an endpoint, which may be a wildcard.
func publicHost(host string) (string, error) {
	rest, wildcard := strings.CutPrefix(host, "*.")
	if strings.Contains(rest, "*") || wildcard && rest == "" {
		return "", field("url", "such as *.example.com", "a wildcard is only allowed as the whole first label of a host, not as in %q", host)
	}
	plain, err := normalHost("url", rest)
	if err != nil || !wildcard {
		return plain, err
	}
	if _, err := netip.ParseAddr(plain); err == nil {
		return "", field("url", "such as *.example.com", "an IP address has no wildcard")
	}
	return "*." + plain, nil
}

// normalHost is host in lower case: an IP address in its shortest form, or a
// name (RFC 1123, underscores allowed), internationalised ones as A-labels.
func normalHost(name, host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "", field(name, "", "the address %q has a zone", host)
		}
		return ip.String(), nil
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil { // underscores are refused there, but used in practice
		ascii = strings.ToLower(strings.TrimSuffix(host, "."))
	}
	if len(ascii) > 253 {
		return "", field(name, "", "the host has %d characters; at most 253 are allowed", len(ascii))
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if !isLabel(label) {
			return "", field(name, "use letters, digits and hyphens, parted by dots", "%q is not a host name", host)
		}
	}
	return ascii, nil
}

func isLabel(s string) bool {
	if len(s) < 1 || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// assemble writes scheme, host and port.
func assemble(name string, u *url.URL, host string) (string, error) {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	out := u.Scheme + "://" + host
	port := u.Port()
	if port == "" || port == defaultPorts[u.Scheme] {
		return out, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", field(name, "use a port from 1 to 65535", "%q is not a port", port)
	}
	if port = strconv.FormatUint(n, 10); port == defaultPorts[u.Scheme] {
		return out, nil
	}
	return out + ":" + port, nil
}

func field(name, hint, format string, args ...any) error {
	e := errs.InvalidField(name, format, args...)
	e.Violations[0].Hint = hint
	return e
}
