// Package egress makes the HTTP calls that leave Sluice for places its users
// named: exports and notifications. It decides which networks may be called,
// never follows a redirect, bounds time and what is read of an answer, and keeps
// URLs and headers, which may hold secrets, out of errors. What an answer means
// is the caller's to judge.
package egress

import (
	"fmt"
	"net/netip"
	"syscall"
)

// DefaultNetworks are the networks beyond the public Internet that may be called
// when the operator names none: loopback and private ones, where the receivers
// of a self-hosted system live. Link-local addresses, where clouds serve machine
// credentials, are not among them.
var DefaultNetworks = []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"}

// Networks decides which addresses may be called: public ones, and those in the
// list.
type Networks struct{ allowed []netip.Prefix }

// ParseNetworks reads CIDR blocks. An empty list means DefaultNetworks; the word
// "none" alone means public addresses only.
func ParseNetworks(list []string) (Networks, error) {
	if len(list) == 0 {
		list = DefaultNetworks
	}
	if len(list) == 1 && list[0] == "none" {
		return Networks{}, nil
	}
	var n Networks
	for _, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return Networks{}, fmt.Errorf("%q is no network: write it as 10.0.0.0/8, or none", text)
		}
		n.allowed = append(n.allowed, prefix.Masked())
	}
	return n, nil
}

// ForbiddenError says that an address may not be called.
type ForbiddenError struct{ Address netip.Addr }

// Error names the address and the remedy.
func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("%s is not a public address and not among the networks that may be called; the operator can add it with --egress-networks", e.Address)
}

// control is a net.Dialer.Control: it sees the address after name resolution, so
// that no answer of a name server gets around it.
func (n Networks) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address to call: %w", err)
	}
	if ip := target.Addr().Unmap().WithZone(""); !n.mayCall(ip) {
		return &ForbiddenError{ip}
	}
	return nil
}

func (n Networks) mayCall(ip netip.Addr) bool {
	for _, p := range n.allowed {
		if p.Contains(ip) {
			return true
		}
	}
	return isPublic(ip)
}

// special are the blocks that IANA's special-purpose registries keep off the
// public Internet and that netip has no method for.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

func isPublic(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
