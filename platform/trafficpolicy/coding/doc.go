// Package coding is HTTP's content codings (RFC 9110 section 8.4): choosing one,
// compressing a body while it is sent, and decoding one that must be seen. It
// knows nothing of messages and policies.
package coding

import "errors"

// The codings that can be made and undone.
const (
	Gzip     = "gzip"    // RFC 1952
	Deflate  = "deflate" // RFC 1950 around RFC 1951
	Brotli   = "br"      // RFC 7932
	Zstd     = "zstd"    // RFC 8878 and RFC 9659
	Identity = "identity"
)

// ErrUnknown says that a coding is none of these.
var ErrUnknown = errors.New("not a known content coding")
