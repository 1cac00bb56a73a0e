package expr

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/message"
)

// urlVariables are the URL of the request. Normalized means: scheme and host in
// lower case, no default port, percent-encoding undone where it changes nothing,
// dot segments resolved (RFC 3986 section 6.2.2).
func urlVariables() []Variable {
	noPort := absent("req.url.port")
	return []Variable{
		text("req.url", inHTTP, "The full normalized URL.", func(v *Vars) string { return FullURL(v.Request) }),
		text("req.url.raw", inHTTP, "The full URL with path and query as sent.", func(v *Vars) string {
			return v.Request.Scheme + "://" + v.Request.Host + v.Request.Target
		}),
		text("req.url.scheme", inHTTP, "http or https.", func(v *Vars) string { return strings.ToLower(v.Request.Scheme) }),
		text("req.url.authority", inHTTP, "Host with its port, unless that is the scheme's default.", func(v *Vars) string { return Authority(v.Request) }),
		text("req.url.host", inHTTP, "Host without port.", func(v *Vars) string { return hostName(v.Request.Host) }),
		{Name: "req.url.port", Type: integer, Scope: inHTTP, Description: "Port, if the URL names one; absent otherwise.", get: func(v *Vars) ref.Val {
			if _, port, err := net.SplitHostPort(v.Request.Host); err == nil {
				if n, err := strconv.Atoi(port); err == nil {
					return types.Int(n)
				}
			}
			return noPort
		}},
		text("req.url.path", inHTTP, "Decoded path with its leading slash, dot segments resolved.", func(v *Vars) string { return v.Request.Path() }),
		text("req.url.raw_path", inHTTP, "Path as sent.", func(v *Vars) string { return v.Request.RawPath() }),
		text("req.url.query", inHTTP, "Query without its question mark.", func(v *Vars) string { return v.Request.RawQuery() }),
		text("req.url.uri", inHTTP, "Path and query.", func(v *Vars) string { return uri(v.Request) }),
		text("req.url.user_password", inHTTP, "User and password in the URL; a server never sees them, so it is empty.", func(*Vars) string { return "" }),
		{Name: "req.url.query_params", Type: multi, Scope: inHTTP, Description: "Decoded query parameters; values are lists.", get: func(v *Vars) ref.Val {
			return types.NewDynamicMap(types.DefaultTypeAdapter, map[string][]string(v.Request.Query()))
		}},
	}
}

// FullURL is the normalized URL of a request.
func FullURL(r *message.Request) string {
	return strings.ToLower(r.Scheme) + "://" + Authority(r) + uri(r)
}

func uri(r *message.Request) string {
	path := (&url.URL{Path: r.Path()}).EscapedPath()
	if q := r.RawQuery(); q != "" {
		return path + "?" + q
	}
	return path
}

// Authority is the host of a request in lower case, with its port unless that is
// the scheme's default.
func Authority(r *message.Request) string {
	host := strings.ToLower(r.Host)
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return host
	}
	if port == "80" && r.Scheme == "http" || port == "443" && r.Scheme == "https" {
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	}
	return host
}

func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
