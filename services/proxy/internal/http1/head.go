package http1

import (
	"bytes"
	"strings"
)

var headEnd = []byte("\r\n\r\n")

// section reads up to an empty line and returns what stands before it, each line
// with its CRLF, as one string. limit is in bytes, the empty line included.
// io.EOF means that nothing came at all.
func (r *Reader) section(limit int, tooLarge func(window []byte) error) (string, error) {
	seen := 0
	for {
		window := r.window()
		if bytes.HasPrefix(window, headEnd[:2]) {
			r.discard(2)
			return "", nil
		}
		if end := bytes.Index(window[seen:], headEnd); end >= 0 {
			end += seen + len(headEnd)
			if end > limit {
				return "", tooLarge(window[:end])
			}
			s := string(window[:end-2])
			r.discard(end)
			return s, nil
		}
		if err := refuseEarly(window, seen); err != nil {
			return "", err
		}
		if len(window) >= limit {
			return "", tooLarge(window)
		}
		seen = max(0, len(window)-len(headEnd)+1)
		if err := r.more(); err != nil {
			if len(window) > 0 {
				err = unexpected(err)
			}
			return "", err
		}
	}
}

// refuseEarly finds a bare LF at or after from. Without it a peer that never sends
// CRLF would be waited for.
func refuseEarly(window []byte, from int) error {
	for at := from; at < len(window); at++ {
		lf := bytes.IndexByte(window[at:], '\n')
		if lf < 0 {
			return nil
		}
		if at += lf; at == 0 || window[at-1] != '\r' {
			return errBareLF
		}
	}
	return nil
}

// requestHead reads a request's head.
func (r *Reader) requestHead() (string, error) {
	// An empty line before a request is the left-over of a careless client.
	if err := r.wait(2); err == nil && bytes.HasPrefix(r.window(), headEnd[:2]) {
		r.discard(2)
	}
	return r.section(r.limits.HeadBytes, func(window []byte) error {
		if line := bytes.IndexByte(window, '\n'); line < 0 || line >= r.limits.LineBytes {
			return errTargetSize
		}
		return errHeadSize
	})
}

// wait makes sure that n bytes are buffered.
func (r *Reader) wait(n int) error {
	for r.Buffered() < n {
		if err := r.more(); err != nil {
			return err
		}
	}
	return nil
}

// cutLine splits off the first line of s, whose lines all end in LF.
func cutLine(s string) (line, rest string, err error) {
	lf := strings.IndexByte(s, '\n')
	if lf < 1 || s[lf-1] != '\r' {
		return "", "", errBareLF
	}
	return s[:lf-1], s[lf+1:], nil
}
