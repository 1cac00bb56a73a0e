// Package http1 is a strict HTTP/1.1 codec for a gateway: it reads and writes
// heads and bodies of package message's types, on the caller's goroutine, with
// pooled buffers.
//
// It opens no connections, sets no deadlines, starts no goroutines and takes no
// decisions about retries; those are for what stands on it.
//
// # What it takes
//
// A gateway must read a message exactly as the next reader will. So whatever the
// standards leave to the recipient's taste is refused, and a message is written
// anew from what was understood, never copied. The rules, by the section of RFC
// 9110 (semantics) and RFC 9112 (HTTP/1.1):
//
//   - Lines end in CRLF. A bare LF or CR is refused (9112 2.2 allows a bare LF).
//   - One empty line before a request line is skipped (9112 2.2).
//   - A request line has exactly two spaces (9112 3). Methods are tokens.
//   - A target is in origin form; in absolute form with http or https and no user
//     information (9110 4.2.4); in authority form with CONNECT and only there; "*"
//     with OPTIONS and only there (9112 3.2). It has no "#", and "%" is followed by
//     two hex digits in its path. Bytes above 0x7f pass.
//   - Host is there exactly once in HTTP/1.1, at most once in HTTP/1.0, and is a
//     host[:port] of letters, digits and "-._~", or an address; an absolute target
//     replaces it (9112 3.2.2).
//   - HTTP/1.2 and above are read as 1.1 (9110 2.5), other major versions refused.
//   - Field names are tokens, right before the colon (9112 5.1). Values have no
//     control characters but tab (9110 5.5). Line folding is refused (9112 5.2).
//   - Content-Length is one run of digits, at most 2^63-1. Lines that repeat it
//     exactly are made one, as net/http does; anything else that comes twice, lists
//     included, is refused (9112 6.3).
//   - Transfer-Encoding is exactly one "chunked"; never together with
//     Content-Length, never in HTTP/1.0 (9112 6.1 and 6.3).
//   - A chunk size has at most 16 hex digits and may be followed by spaces or by
//     extensions, which are ignored and bounded (9112 7.1.1). Trailer fields that
//     would change framing, routing or meaning are dropped (9110 6.5.1).
//   - A status line may lack the space before an empty reason (9112 4), which older
//     servers forget. The reason is dropped.
//
// # Where net/http differs
//
// Whatever this package takes, net/http takes with the same meaning, except for an
// empty line before a request and a trailer section larger than its buffer. It takes
// much more: bare LF, folded lines, Content-Length beside chunked, chunked in
// HTTP/1.0 (ignored there), other schemes, "*" with any method. Fuzzing holds both
// side by side.
package http1
