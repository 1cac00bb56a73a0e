package redact

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"net/textproto"
	"strings"
)

// Where a multipartFinder is.
const (
	inPreamble = iota
	inPartHead
	inPart
	inEpilogue
)

// maxPartHead bounds the header of a part, in bytes.
const maxPartHead = 8 << 10

// multipartFinder follows multipart bodies (RFC 2046 section 5.1, RFC 7578).
type multipartFinder struct {
	delimiter []byte // CRLF, two dashes and the boundary
	state     uint8
	hidden    bool
	within    *jsonFinder // of the part; nil when it has no structure that helps
}

func (f *multipartFinder) feed(p []byte, base int64, last bool, b *Body) int {
	for i := 0; i < len(p); {
		var next int
		var more bool
		switch f.state {
		case inPreamble:
			next, more = f.preamble(p, i, base, last)
		case inPartHead:
			next, more = f.head(p, i, base, last, b)
		case inPart:
			next, more = f.part(p, i, base, last, b)
		default:
			return len(p)
		}
		if !more {
			return next
		}
		i = next
	}
	return len(p)
}

func (f *multipartFinder) preamble(p []byte, i int, base int64, last bool) (int, bool) {
	first := f.delimiter[2:]
	if base+int64(i) == 0 && bytes.HasPrefix(p, first) {
		f.state = inPartHead
		return len(first), true
	}
	at := bytes.Index(p[i:], f.delimiter)
	if at < 0 {
		return f.keepBack(p, i, last), false
	}
	f.state = inPartHead
	return i + at + len(f.delimiter), true
}

// keepBack is how far it is certain that no delimiter begins.
func (f *multipartFinder) keepBack(p []byte, i int, last bool) int {
	if last {
		return len(p)
	}
	return max(i, len(p)-len(f.delimiter)+1)
}

// head reads from behind a delimiter to the empty line.
func (f *multipartFinder) head(p []byte, i int, base int64, last bool, b *Body) (int, bool) {
	if bytes.HasPrefix(p[i:], []byte("--")) {
		f.state = inEpilogue
		return i + 2, true
	}
	at := bytes.Index(p[i:], []byte("\r\n\r\n"))
	if at < 0 && !last && len(p)-i < maxPartHead {
		return i, false
	}
	head, next := p[i:], len(p)
	if at >= 0 {
		head, next = p[i:i+at], i+at+4
	}
	f.state = inPart
	f.begins(head, base+int64(next), b)
	return next, true
}

func (f *multipartFinder) begins(head []byte, at int64, b *Body) {
	lines := io.MultiReader(bytes.NewReader(bytes.TrimLeft(head, " \t\r\n")), strings.NewReader("\r\n\r\n"))
	header, _ := textproto.NewReader(bufio.NewReader(lines)).ReadMIMEHeader() // what can be read of it is enough
	_, params, _ := mime.ParseMediaType(header.Get("Content-Disposition"))
	f.hidden, f.within = false, nil
	if rule, name := b.r.fieldRule(params["name"], codedPlain); rule != "" {
		f.hidden = true
		b.begin(span{start: at, rule: rule, path: name, kind: kindString})
		return
	}
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if !opaque(media, true) {
		f.within = newJSONFinder(media == "application/json" || strings.HasSuffix(media, "+json"))
	}
}

// part reads the content of a part.
func (f *multipartFinder) part(p []byte, i int, base int64, last bool, b *Body) (int, bool) {
	at := bytes.Index(p[i:], f.delimiter)
	end := i + at
	if at < 0 {
		end = f.keepBack(p, i, last)
	}
	if f.within != nil && end > i {
		if n := f.within.feed(p[i:end], base+int64(i), at >= 0 || last, b); i+n < end {
			return i + n, false
		}
	}
	if at < 0 {
		return end, false
	}
	if f.hidden {
		f.hidden = false
		b.finish(base + int64(end))
	}
	f.state = inPartHead
	return end + len(f.delimiter), true
}
