package http1

import (
	"math"
	"strings"
)

// Framing says how a body ends (RFC 9112 section 6.3): after so many bytes if it
// is not negative, otherwise as its name says.
type Framing int64

// The framings without a length.
const (
	Chunked    Framing = -1 - iota // chunked transfer coding
	UntilClose                     // with the connection; responses only
	NoBody                         // there is none, whatever the fields say
)

// Length is the number of bytes, or -1 when that shows only at the end.
func (f Framing) Length() int64 {
	if f == NoBody {
		return 0
	}
	return max(int64(f), -1)
}

// framing is what Content-Length and Transfer-Encoding say together; otherwise is
// for a message with neither.
func (m *marks) framing(minor int, otherwise Framing) (Framing, error) {
	switch {
	case m.codings > 0 && minor == 0:
		return 0, errCoding10
	case m.codings > 0 && m.lengths > 0:
		return 0, errLengthCoding
	case m.codings > 0:
		return Chunked, m.checkCoding()
	case m.lengths > 0:
		n, err := contentLength(m.length)
		return Framing(n), err
	}
	return otherwise, nil
}

// contentLength reads a run of digits.
func contentLength(s string) (int64, error) {
	if s == "" || !all(s, isDigit) {
		return 0, errLength
	}
	var n int64
	for i := 0; i < len(s); i++ {
		d := int64(s[i] - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, errLength
		}
		n = n*10 + d
	}
	return n, nil
}

// checkCoding refuses all but one "chunked". A coding that nobody knows is 501; a
// known one in a place where the end of the body cannot be told is 400.
func (m *marks) checkCoding() error {
	if m.codings == 1 && equalFold(m.coding, "chunked") {
		return nil
	}
	last, chunked := "", 0
	for coding := range strings.SplitSeq(m.coding, ",") {
		last = strings.ToLower(trimSpace(coding))
		switch last {
		case "chunked":
			chunked++
		case "gzip", "x-gzip", "deflate", "compress", "x-compress":
		default:
			if message, _, _ := strings.Cut(last, ";"); message == "chunked" || last == "" {
				return errCodingForm
			}
			return errCoding
		}
	}
	if last != "chunked" || chunked != 1 || m.codings != 1 {
		return errCodingForm
	}
	return errCoding
}
