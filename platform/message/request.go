package message

import (
	"io"
	"net/url"
	"strings"
	"time"
)

// Request is one HTTP request on its way through the gateway. It is owned by
// the goroutine that serves it.
type Request struct {
	Method        string
	Target        string // request-target in origin form ("/a%20b?c=d"), or "*"
	Scheme        string // "http" or "https", as the client spoke to us
	Host          string // Host field or :authority, with its port if it names one
	Proto         string // "HTTP/1.1", "HTTP/2.0"
	Header        Header
	Trailer       Header // complete only after Body was read to its end
	ContentLength int64  // bytes; -1 when unknown
	Body          io.ReadCloser
	Received      time.Time // when the head was complete
	BodyReceived  time.Time // when Body was read to its end; zero until then

	url     *url.URL // cache of URL, valid for urlFor
	urlFor  urlKey
	query   url.Values // cache of Query, valid for queryOf
	queryOf string
}

// urlKey is what URL depends on.
type urlKey struct{ scheme, host, target string }

// URL returns the full URL of the request. It is parsed once for each Target,
// Host and Scheme; the caller must not change it. Path is percent-decoded and
// keeps dot segments; see [Request.Path] for the normalized one. A target that
// is no URL yields its path as it stands.
func (r *Request) URL() *url.URL {
	key := urlKey{r.Scheme, r.Host, r.Target}
	if r.url == nil || r.urlFor != key {
		r.url, r.urlFor = parseURL(key), key
	}
	return r.url
}

func parseURL(key urlKey) *url.URL {
	// Only the target is parsed: "//evil/x" as origin form is a path that starts
	// with two slashes, where url.Parse would read an authority.
	path, query, hasQuery := strings.Cut(key.target, "?")
	u := &url.URL{Scheme: key.scheme, Host: key.host, RawQuery: query, ForceQuery: hasQuery && query == ""}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		decoded = path
	}
	u.Path = decoded
	if decoded != path {
		u.RawPath = path
	}
	return u
}

// RawPath is the path as the client sent it.
func (r *Request) RawPath() string {
	path, _, _ := strings.Cut(r.Target, "?")
	return path
}

// Path is the percent-decoded path without dot segments (RFC 3986 section
// 5.2.4), so that "/a/%2e%2e/admin" is "/admin", as most upstreams read it.
func (r *Request) Path() string { return CleanPath(r.URL().Path) }

// RawQuery is the query as sent, without "?".
func (r *Request) RawQuery() string {
	_, query, _ := strings.Cut(r.Target, "?")
	return query
}

// Query returns the decoded query parameters; the caller must not change them.
// Pairs that do not decode are left out.
func (r *Request) Query() url.Values {
	raw := r.RawQuery()
	if r.query == nil || r.queryOf != raw {
		r.query, _ = url.ParseQuery(raw) // what does decode is still of use
		r.queryOf = raw
	}
	return r.query
}

// CleanPath removes dot segments and leaves repeated slashes alone.
func CleanPath(p string) string {
	if !strings.Contains(p, "/.") {
		return p
	}
	var out []string
	segments := strings.Split(p, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(out) > 1 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return strings.Join(out, "/")
}

// Cookies returns the cookies of the request in header order. Malformed pairs
// are left out.
func (r *Request) Cookies() []Cookie { return requestCookies(r.Header) }
