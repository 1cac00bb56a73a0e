package http1

import "fmt"

// Error says why a message was refused. After it the connection is of no use: it
// cannot be known where the next message begins.
type Error struct {
	Status int    // what a server answers to a request like this; a gateway answers 502 when a response is
	Text   string // what is wrong
	Rule   string // where that is written, such as "RFC 9112 section 2.2"; may be empty
}

// Error is the text with its rule.
func (e *Error) Error() string {
	if e.Rule == "" {
		return e.Text
	}
	return fmt.Sprintf("%s (%s)", e.Text, e.Rule)
}

// Refusals of heads.
var (
	errBareLF     = &Error{400, "a line ends in LF without CR", "RFC 9112 section 2.2"}
	errHeadSize   = &Error{431, "the head is too large", "RFC 6585 section 5"}
	errFieldCount = &Error{431, "the head has too many fields", "RFC 6585 section 5"}
	errTargetSize = &Error{414, "the request line is too long", "RFC 9110 section 15.5.15"}

	errRequestLine = &Error{400, "the request line is not method, target and version with one space between", "RFC 9112 section 3"}
	errMethod      = &Error{400, "the method is not a token", "RFC 9110 section 9.1"}
	errTarget      = &Error{400, "the request target has a character that must not stand in it", "RFC 9112 section 3.2"}
	errEscape      = &Error{400, "a % in the path is not followed by two hex digits", "RFC 3986 section 2.1"}
	errTargetForm  = &Error{400, "the request target has no form that goes with the method", "RFC 9112 section 3.2"}
	errVersionForm = &Error{400, "the version is not HTTP/ digit . digit", "RFC 9112 section 2.3"}
	errVersion     = &Error{505, "only HTTP/1.0 and HTTP/1.1 are spoken here", "RFC 9110 section 15.6.6"}
	errStatusLine  = &Error{400, "the status line is not a version, three digits and a reason", "RFC 9112 section 4"}

	errNoHost       = &Error{400, "there is no Host field", "RFC 9112 section 3.2"}
	errHosts        = &Error{400, "there is more than one Host field", "RFC 9112 section 3.2"}
	errHost         = &Error{400, "the host is neither a name nor an address with an optional port", "RFC 9110 section 7.2"}
	errHostDiffers  = &Error{400, "the Host field and the authority that is asked differ", "RFC 9113 section 8.3.1"}
	errUserInfo     = &Error{400, "the request target carries user information", "RFC 9110 section 4.2.4"}
	errExpectation  = &Error{417, "the only expectation that is met is 100-continue", "RFC 9110 section 10.1.1"}
	errFieldName    = &Error{400, "a field name is not a token right before a colon", "RFC 9112 section 5.1"}
	errFieldValue   = &Error{400, "a field value has a control character", "RFC 9110 section 5.5"}
	errFold         = &Error{400, "a line begins with white space", "RFC 9112 section 5.2"}
	errLength       = &Error{400, "Content-Length is not a number of bytes", "RFC 9110 section 8.6"}
	errLengths      = &Error{400, "Content-Length is there twice with different values", "RFC 9112 section 6.3"}
	errLengthCoding = &Error{400, "Content-Length and Transfer-Encoding are both there", "RFC 9112 section 6.3"}
	errCoding10     = &Error{400, "Transfer-Encoding is there in HTTP/1.0", "RFC 9112 section 6.1"}
	errCodingForm   = &Error{400, "chunked is not the one and last transfer coding", "RFC 9112 section 6.3"}
	errAnnounced    = &Error{400, "Trailer announces a field that frames the message", "RFC 9110 section 6.5.1"}
	errCoding       = &Error{501, "the only transfer coding that is understood is chunked", "RFC 9112 section 6.1"}
)

// Refusals of bodies.
var (
	errChunkSize = &Error{400, "a chunk size is not a hex number in CRLF", "RFC 9112 section 7.1"}
	errChunkLine = &Error{400, "a chunk size line is too long", "RFC 9112 section 7.1.1"}
	errChunkEnd  = &Error{400, "a chunk is not followed by CRLF", "RFC 9112 section 7.1"}
	errChunkText = &Error{400, "chunk extensions are far larger than the data", "RFC 9112 section 7.1.1"}
	errTrailer   = &Error{400, "the trailer section is too large", "RFC 9112 section 7.1.2"}
)
