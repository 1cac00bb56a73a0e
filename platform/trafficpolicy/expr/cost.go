package expr

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// costs charges our own functions for what they read and write, as CEL does for
// its own: a tenth of a unit for each byte, a unit for each element. Without it
// a loop around a hash of a long header would count as a loop around nothing.
type costs struct{}

// CallCost implements cost.ActualCostEstimator; nil leaves the cost to CEL.
func (costs) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	if !own[function] {
		return nil
	}
	sum := 1 + size(result)
	for _, arg := range args {
		sum += size(arg)
	}
	return &sum
}

// own are the functions that this package implements.
var own = ownFunctions()

func ownFunctions() map[string]bool {
	names := map[string]bool{}
	for _, name := range []string{
		"lower", "upper", "@split", "@replace", "@join", "@distinct", "encodeBase64", "decodeBase64", "decodeJson", "json.decode", "isJson", "encodeJson",
		"json.encode", "basic_auth.encode", "escapeUrl", "url.escape", "unescapeUrl", "url.unescape", "parseUrl", "url.parse", "decodeQueryString",
		"queryString.decode", "isURL", "isQueryString", "encodeQueryString", "queryString.encode", "isPrivateIp", "inCidrRange", "inCidrRanges", "@values", "@cookie", "@secret",
	} {
		names[name] = true
	}
	for name := range hashes {
		names[name], names["hash."+name] = true, true
	}
	return names
}

func size(v ref.Val) uint64 {
	switch x := v.(type) {
	case types.String:
		return uint64(len(x)) / 10
	case types.Bytes:
		return uint64(len(x)) / 10
	case traits.Sizer:
		if n, ok := x.Size().(types.Int); ok && n > 0 {
			return uint64(n)
		}
	}
	return 1
}
