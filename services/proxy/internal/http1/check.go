package http1

import "sluice.dev/platform/message"

// Check tells what ReadRequest would have refused in the head of a request that
// another codec read, such as one of HTTP/2; nil for nothing. So a request means the
// same whatever it came by (RFC 9113 section 8.2.1 and 8.3.1). fields is the largest
// number of header lines, 0 for the default. The error is an *Error.
func Check(q *message.Request, fields int) error {
	if fields <= 0 {
		fields = Limits{}.withDefaults().Fields
	}
	switch {
	case !all(q.Method, isToken) || q.Method == "":
		return errMethod
	case len(q.Header) > fields:
		return errFieldCount
	case !validHost(q.Host):
		return errHost
	}
	if err := checkTarget(q.Method, q.Target); err != nil {
		return err
	}
	var m marks
	for _, f := range q.Header {
		if f.Name == "" || !all(f.Name, isToken) {
			return errFieldName
		}
		if !validValue(f.Value) {
			return errFieldValue
		}
		if _, err := m.note(f); err != nil {
			return err
		}
	}
	return m.agree(q)
}

// checkTarget takes the origin form, and "*" with OPTIONS.
func checkTarget(method, target string) error {
	switch {
	case method == "CONNECT":
		return nil // it has none; nobody serves it
	case target == "*" && method == "OPTIONS":
		return nil
	case target == "" || target[0] != '/':
		return errTargetForm
	case !all(target, isTarget):
		return errTarget
	}
	return checkEscapes(target)
}

// agree reports whether the fields say what the request is.
func (m *marks) agree(q *message.Request) error {
	switch {
	case m.hosts > 1:
		return errHosts
	case m.hosts == 1 && m.host != q.Host:
		return errHostDiffers
	case m.codings > 0:
		return errCodingForm
	case m.expect != "" && !equalFold(m.expect, "100-continue"):
		return errExpectation
	case m.lengths == 0:
		return nil
	}
	n, err := contentLength(m.length)
	if err == nil && n != q.ContentLength {
		return errLength
	}
	return err
}
