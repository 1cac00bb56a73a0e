// Package web is what the gateway's HTTP listener does before and besides REST:
// it keeps hostile web pages out, names requests, and serves the console.
package web

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"sluice.dev/gateway/internal/apierror"
	"sluice.dev/platform/errs"
)

// GuardHost refuses requests whose Host header is not this machine's. A listener
// that needs no key is otherwise open to any web page: its owner points a name
// of theirs at 127.0.0.1 and reads the answers (DNS rebinding). extra are
// further names to accept, without port.
func GuardHost(next http.Handler, extra []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isLocalHost(r.Host) || slices.ContainsFunc(extra, func(name string) bool { return strings.EqualFold(name, hostname(r.Host)) }) {
			next.ServeHTTP(w, r)
			return
		}
		apierror.Write(w, errs.New(codes.PermissionDenied, apierror.ReasonHost,
			"this listener needs no key and so answers only to local names; %q is none: use localhost, or name it with --allowed-hosts", r.Host))
	})
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

func isLocalHost(host string) bool {
	name := hostname(host)
	if strings.EqualFold(name, "localhost") || strings.HasSuffix(strings.ToLower(name), ".localhost") {
		return true // RFC 6761 section 6.3: never anybody else's
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// GuardOrigin refuses writes that a browser makes for a page of another origin.
func GuardOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		apierror.Write(w, errs.New(codes.PermissionDenied, apierror.ReasonOrigin,
			"a page of another origin (%s) may not write here", originOf(r)))
	}))
	return protection.Handler(next)
}

func originOf(r *http.Request) string {
	if o := r.Header.Get("Origin"); o != "" {
		return o
	}
	return fmt.Sprintf("Sec-Fetch-Site: %s", r.Header.Get("Sec-Fetch-Site"))
}
