package http1

import (
	"strings"

	"sluice.dev/platform/message"
)

// marks are the fields of a head that the codec itself must understand.
type marks struct {
	connection       options
	host             string
	hosts            int
	length           string // Content-Length; lines that repeat it are taken out
	lengths          int
	coding           string // Transfer-Encoding
	codings          int
	expect, upgrade  string
	trailer, hasDate bool
}

// fields reads header lines into dst, which has room for them.
func fields(s string, dst message.Header, m *marks) (message.Header, error) {
	for s != "" {
		line, rest, err := cutLine(s)
		if err != nil {
			return nil, err
		}
		s = rest
		f, err := field(line)
		if err != nil {
			return nil, err
		}
		keep, err := m.note(f)
		if err != nil {
			return nil, err
		}
		if keep {
			dst = append(dst, f)
		}
	}
	return dst, nil
}

// field splits and checks one line.
func field(line string) (message.Field, error) {
	colon := 0
	for colon < len(line) && class[line[colon]]&isToken != 0 {
		colon++
	}
	if colon == 0 || colon == len(line) || line[colon] != ':' {
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			return message.Field{}, errFold
		}
		return message.Field{}, errFieldName
	}
	value := trimSpace(line[colon+1:])
	if !validValue(value) {
		return message.Field{}, errFieldValue
	}
	return message.Field{Name: line[:colon], Value: value}, nil
}

// note looks whether f is one of the marks. Lengths tell most names apart. keep is
// false for a line that only repeats the Content-Length.
func (m *marks) note(f message.Field) (keep bool, err error) {
	switch len(f.Name) {
	case len("host"):
		switch {
		case equalFold(f.Name, "host"):
			m.host, m.hosts = f.Value, m.hosts+1
		case equalFold(f.Name, "date"):
			m.hasDate = true
		}
	case len("expect"):
		if equalFold(f.Name, "expect") {
			m.expect = join(m.expect, f.Value)
		}
	case len("upgrade"):
		switch {
		case equalFold(f.Name, "upgrade"):
			m.upgrade = join(m.upgrade, f.Value)
		case equalFold(f.Name, "trailer"):
			m.trailer = true
		}
	case len("connection"):
		if equalFold(f.Name, "connection") {
			m.connection.parse(f.Value)
		}
	case len("content-length"):
		if equalFold(f.Name, "content-length") {
			return m.noteLength(f.Value)
		}
	case len("transfer-encoding"):
		if equalFold(f.Name, "transfer-encoding") {
			m.coding, m.codings = join(m.coding, f.Value), m.codings+1
		}
	}
	return true, nil
}

func (m *marks) noteLength(value string) (keep bool, err error) {
	m.lengths++
	if m.lengths == 1 {
		m.length = value
		return true, nil
	}
	if m.length != value {
		return false, errLengths
	}
	return false, nil
}

// join makes one list of two field lines (RFC 9110 section 5.2).
func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

// options are what Connection fields say about the connection (RFC 9110 section
// 7.6.1).
type options struct {
	close, keepAlive, upgrade bool
}

func (o *options) parse(value string) {
	for value != "" {
		var option string
		option, value, _ = strings.Cut(value, ",")
		switch option = trimSpace(option); {
		case equalFold(option, "close"):
			o.close = true
		case equalFold(option, "keep-alive"):
			o.keepAlive = true
		case equalFold(option, "upgrade"):
			o.upgrade = true
		}
	}
}

// persists reports whether the sender keeps the connection (RFC 9112 section 9.3).
func (o options) persists(minor int) bool {
	return !o.close && (minor >= 1 || o.keepAlive)
}
