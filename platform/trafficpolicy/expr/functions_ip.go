package expr

import (
	"net/netip"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// ipFunctions: what is not an address or a range is never in one; that is no
// error.
func ipFunctions() []cel.EnvOption {
	opts := method("isPrivateIp", "", boolean, isPrivate)
	return append(opts,
		cel.Function("inCidrRange", cel.Overload("inCidrRange_string_string", []*cel.Type{str, str}, boolean, cel.BinaryBinding(func(ip, cidr ref.Val) ref.Val {
			return types.Bool(inRange(ip, cidr))
		}))),
		cel.Function("inCidrRanges", cel.Overload("inCidrRanges_string_list", []*cel.Type{str, stringList}, boolean, cel.BinaryBinding(func(ip, cidrs ref.Val) ref.Val {
			items, ok := cidrs.(traits.Lister)
			if !ok {
				return types.MaybeNoSuchOverloadErr(cidrs)
			}
			for it := items.Iterator(); it.HasNext() == types.True; {
				if inRange(ip, it.Next()) {
					return types.True
				}
			}
			return types.False
		}))))
}

func inRange(ip, cidr ref.Val) bool {
	ipText, ok1 := ip.(types.String)
	cidrText, ok2 := cidr.(types.String)
	if !ok1 || !ok2 {
		return false
	}
	addr, err := netip.ParseAddr(string(ipText))
	if err != nil {
		return false
	}
	prefix, err := netip.ParsePrefix(string(cidrText))
	return err == nil && prefix.Contains(addr.Unmap())
}

// private4 are the private IPv4 networks of RFC 1918.
var private4 = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16")}

func isPrivate(s string) ref.Val {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return types.False
	}
	for _, p := range private4 {
		if p.Contains(addr) {
			return types.True
		}
	}
	return types.False
}
