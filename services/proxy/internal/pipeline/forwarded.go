package pipeline

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/control"
)

func portText(port uint16) string {
	switch port { // the usual ones, without allocation
	case 80:
		return "80"
	case 443:
		return "443"
	case 8080:
		return "8080"
	case 8443:
		return "8443"
	}
	return strconv.Itoa(int(port))
}

// stripOwned drops the fields that only the gateway may set.
func stripOwned(h *message.Header) {
	h.Del(answer.HeaderErrorCode)
	h.Del(answer.HeaderExchangeID)
}

// loops reports whether the request came by e's upstream before, and marks that it
// goes there now (Via, RFC 9110 section 7.6.3).
func (x *exchange) loops(e *control.Endpoint) bool {
	if slices.Contains(x.called, e.ID) {
		return false // the mark is of this exchange: another forward to e failed
	}
	mark := "1.1 " + e.ID + ".sluice"
	for _, via := range x.req.Header.Values("via") {
		if strings.Contains(via, mark) {
			return true
		}
	}
	appendTo(&x.req.Header, "Via", mark)
	if len(x.inner) > 0 {
		x.called = append(x.called, e.ID)
	}
	return false
}

// setForwarded tells the upstream who asked and how. The last value of each list
// is the gateway's.
func (x *exchange) setForwarded() {
	h := &x.req.Header
	if x.caller != nil { // the policy said it when it made the request
		x.addForwarded()
		return
	}
	if x.cfg.DropForwarded && !x.trusts(x.peer.ClientAddr.Addr()) {
		h.Del("x-forwarded-for")
		h.Del("x-forwarded-proto")
		h.Del("x-forwarded-host")
	}
	appendTo(h, "X-Forwarded-For", x.peer.ClientAddr.Addr().String())
	appendTo(h, "X-Forwarded-Proto", x.scheme)
	if !h.Has("x-forwarded-host") {
		h.Add("X-Forwarded-Host", x.host)
	}
}

// addForwarded says of a policy's request what that does not say itself.
func (x *exchange) addForwarded() {
	h := &x.req.Header
	for _, f := range []message.Field{
		{Name: "X-Forwarded-For", Value: x.conn.ClientAddr.Addr().String()}, {Name: "X-Forwarded-Proto", Value: x.scheme}, {Name: "X-Forwarded-Host", Value: x.host},
	} {
		if !h.Has(f.Name) {
			h.Add(f.Name, f.Value)
		}
	}
}

func appendTo(h *message.Header, name, value string) {
	if earlier := h.Values(name); len(earlier) > 0 {
		value = strings.Join(append(earlier, value), ", ")
	}
	h.Set(name, value)
}

func (g *Gateway) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(g.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// trustPeer takes from a trusted peer who the client is and which scheme it used.
func (x *exchange) trustPeer() {
	if len(x.cfg.TrustedProxies) == 0 || !x.trusts(x.peer.ClientAddr.Addr()) {
		return
	}
	if proto := lastElement(x.req.Header.Values("x-forwarded-proto")); proto == "http" || proto == "https" {
		x.req.Scheme = proto
	}
	client := x.forwardedClient()
	if client == x.peer.ClientAddr.Addr() {
		return
	}
	x.conn = &message.Conn{ClientAddr: netip.AddrPortFrom(client, 0), ServerAddr: x.peer.ServerAddr, Start: x.peer.Start, TLS: x.peer.TLS}
	x.conn.BytesIn.Store(x.peer.BytesIn.Load())
	x.conn.BytesOut.Store(x.peer.BytesOut.Load())
}

// forwardedClient is the last address of X-Forwarded-For that is no trusted proxy
// itself.
func (x *exchange) forwardedClient() netip.Addr {
	client := x.peer.ClientAddr.Addr()
	hops := strings.Split(strings.Join(x.req.Header.Values("x-forwarded-for"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return client // what stands before cannot be trusted either
		}
		if client = a.Unmap(); !x.trusts(client) {
			return client
		}
	}
	return client
}

func lastElement(values []string) string {
	joined := strings.Join(values, ",")
	return strings.ToLower(strings.TrimSpace(joined[strings.LastIndexByte(joined, ',')+1:]))
}

// restoreLocation turns a Location on a host that the policy set back into the one
// that the client used.
func (x *exchange) restoreLocation(res *message.Response) {
	if x.req.Host == x.host {
		return
	}
	location := res.Header.Get("location")
	if location == "" {
		return
	}
	u, err := url.Parse(location)
	if err != nil || !strings.EqualFold(u.Host, x.req.Host) {
		return
	}
	u.Scheme, u.Host = x.scheme, x.host
	res.Header.Set("Location", u.String())
}
