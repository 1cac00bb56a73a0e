package outbound

import (
	"fmt"
	"net/netip"
	"syscall"

	"sluice.dev/platform/trafficpolicy"
)

// Guard says which addresses policies may call: those of the public internet,
// and what is allowed besides. Without it, whoever writes a policy could read
// what only the gateway's own network can reach, such as the metadata service of
// a cloud machine.
type Guard struct{ allowed []netip.Prefix }

// NewGuard allows the public internet and these ranges.
func NewGuard(allowed ...netip.Prefix) *Guard { return &Guard{allowed: allowed} }

// special are the ranges that are not globally reachable (RFC 6890 and the
// registries that it started), as far as netip does not know them.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"100.64.0.0/10",   // shared by carriers, RFC 6598
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"240.0.0.0/4",     // reserved, and broadcast
	"100::/64",        // discard
	"2001::/23",       // protocol assignments, Teredo among them
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4: IPv4 inside
	"3fff::/20",       // documentation
	"5f00::/16",       // segment routing
	"64:ff9b::/96",    // NAT64: IPv4 inside
	"64:ff9b:1::/48",  // NAT64, local
	"fec0::/10",       // site-local, former
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// Check returns an error that wraps [trafficpolicy.ErrAddress] for an address
// that policies may not call.
func (g *Guard) Check(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	for _, p := range g.allowed {
		if p.Contains(addr) {
			return nil
		}
	}
	bad := !addr.IsGlobalUnicast() || addr.IsPrivate() // the first covers loopback, link-local and multicast
	for _, p := range special {
		bad = bad || p.Contains(addr)
	}
	if bad {
		return fmt.Errorf("%s: %w: it is not on the public internet", addr, trafficpolicy.ErrAddress)
	}
	return nil
}

// Control is for net.Dialer: it looks at the address that is about to be connected
// to, after the name was resolved, so that a name which resolves to something else
// each time gains nothing.
func (g *Guard) Control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, trafficpolicy.ErrAddress)
	}
	return g.Check(at.Addr())
}
