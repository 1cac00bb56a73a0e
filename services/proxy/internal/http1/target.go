package http1

import (
	"net/netip"
	"strings"

	"sluice.dev/platform/message"
)

// address sets Target and Host (RFC 9112 sections 3.2 and 3.3).
func (q *Request) address(target string, m *marks) error {
	switch {
	case m.hosts > 1:
		return errHosts
	case m.hosts == 0 && q.Minor > 0:
		return errNoHost
	case m.hosts == 1 && !validHost(m.host):
		return errHost
	case !all(target, isTarget):
		return errTarget
	}
	q.Target, q.Host = target, m.host
	switch {
	case q.Method == "CONNECT":
		return q.authorityForm()
	case target[0] == '/':
		return checkEscapes(target)
	case target == "*":
		if q.Method != "OPTIONS" {
			return errTargetForm
		}
		return nil
	}
	return q.absoluteForm()
}

// authorityForm is host:port, for CONNECT.
func (q *Request) authorityForm() error {
	port := q.Target[strings.LastIndexByte(q.Target, ':')+1:]
	if port == "" || port == q.Target || !validHost(q.Target) || !all(port, isDigit) {
		return errTargetForm
	}
	q.Host = q.Target
	q.replaceHost()
	return nil
}

// absoluteForm is a whole URL. Its authority stands above the Host field.
func (q *Request) absoluteForm() error {
	scheme, rest, ok := strings.Cut(q.Target, "://")
	if !ok || !equalFold(scheme, "http") && !equalFold(scheme, "https") {
		return errTargetForm
	}
	host, target := rest, ""
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		host, target = rest[:end], rest[end:]
	}
	switch {
	case strings.Contains(host, "@"):
		return errUserInfo
	case !validHost(host):
		return errHost
	case target == "" && q.Method == "OPTIONS":
		target = "*" // RFC 9112 section 3.2.4
	case target == "" || target[0] == '?':
		target = "/" + target
	}
	q.Host, q.Target = host, target
	q.replaceHost()
	return checkEscapes(target)
}

// replaceHost makes the Host field say what the target says.
func (q *Request) replaceHost() {
	for i := range q.Header {
		if message.EqualName(q.Header[i].Name, "host") {
			q.Header[i].Value = q.Host
		}
	}
}

// checkEscapes looks at each "%" of the path. Queries are left alone: many are no
// URL encoding at all.
func checkEscapes(target string) error {
	for i := 0; i < len(target) && target[i] != '?'; i++ {
		if target[i] != '%' {
			continue
		}
		if i+2 >= len(target) || hexValue(target[i+1]) > 15 || hexValue(target[i+2]) > 15 {
			return errEscape
		}
	}
	return nil
}

// validHost takes name, name:port, address and [address]:port, where the port may
// be empty (RFC 3986 section 3.2.2). Escapes and other delimiters, which that
// section allows in names, are in no host name that can be looked up.
func validHost(s string) bool {
	end := 0
	if s != "" && s[0] == '[' {
		end = strings.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		a, err := netip.ParseAddr(s[1:end])
		if err != nil || !a.Is6() || a.Zone() != "" {
			return false
		}
		end++
	} else {
		for end < len(s) && class[s[end]]&isName != 0 {
			end++
		}
	}
	if end == 0 {
		return false
	}
	return end == len(s) || s[end] == ':' && len(s)-end <= len(":65535") && all(s[end+1:], isDigit)
}
