package expr

import (
	"crypto/md5"  //nolint:gosec // offered to expressions for compatibility, not for security
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/cespare/xxhash/v2"
)

var crc64ISO = crc64.MakeTable(crc64.ISO)

// hashes are the digests of a text; crc32 is IEEE, crc64 is ISO, and sums are
// written as big-endian bytes.
var hashes = map[string]func() hash.Hash{
	"md5":      md5.New,
	"sha1":     sha1.New,
	"sha256":   sha256.New,
	"sha512":   sha512.New,
	"crc32":    func() hash.Hash { return crc32.NewIEEE() },
	"crc64":    func() hash.Hash { return crc64.New(crc64ISO) },
	"xxhash64": func() hash.Hash { return xxhash.New() },
}

// hashFunctions declares s.md5(), s.md5(format), hash.md5(s), hash.md5(s, format)
// and so on; format is hex (the default) or base64.
func hashFunctions() []cel.EnvOption {
	var opts []cel.EnvOption
	for name, construct := range hashes {
		one := cel.UnaryBinding(func(s ref.Val) ref.Val { return digest(construct, s, "hex") })
		two := cel.BinaryBinding(func(s, format ref.Val) ref.Val { return digest(construct, s, string(format.(types.String))) })
		opts = append(opts,
			cel.Function(name,
				cel.MemberOverload("string_"+name, []*cel.Type{str}, str, one),
				cel.MemberOverload("string_"+name+"_string", []*cel.Type{str, str}, str, two)),
			cel.Function("hash."+name,
				cel.Overload("hash_"+name+"_string", []*cel.Type{str}, str, one),
				cel.Overload("hash_"+name+"_string_string", []*cel.Type{str, str}, str, two)))
	}
	return opts
}

func digest(construct func() hash.Hash, s ref.Val, format string) ref.Val {
	text, ok := s.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(s)
	}
	h := construct()
	_, _ = h.Write([]byte(text)) // a hash never fails to write
	switch format {
	case "hex":
		return types.String(hex.EncodeToString(h.Sum(nil)))
	case "base64":
		return types.String(base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	return failure("hash format %q is neither hex nor base64", format)
}
