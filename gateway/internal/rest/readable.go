package rest

import (
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sluice.dev/platform/errs"
)

// What gRPC-Gateway and protojson say about bad input is text only. protojson
// varies the space after "proto:" on purpose.
var (
	jsonPosition = regexp.MustCompile(`^proto:[\s\x{a0}]*(?:syntax error[\s\x{a0}]*)?\(line (\d+):(\d+)\):[\s\x{a0}]*(.*)$`)
	unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)
	namedField   = regexp.MustCompile(`field ([A-Za-z0-9_.]+)`)
	badParameter = regexp.MustCompile(`^parsing (?:field|list) "([^"]+)": (?:strconv\.\w+: )?(?:parsing )?(.*)$`)
)

// readable turns errors of the JSON and parameter decoders into ours: with the
// field at fault, its place, and a reason.
func readable(err error) error {
	if e := errs.As(err); e != nil {
		return e
	}
	st, ok := status.FromError(err)
	if !ok || st.Code() != codes.InvalidArgument {
		return err
	}
	text := st.Message()
	switch {
	case jsonPosition.MatchString(text):
		return badJSON(text)
	case badParameter.MatchString(text):
		m := badParameter.FindStringSubmatch(text)
		return errs.InvalidField(m[1], "%s", m[2])
	}
	return errs.Invalid("the request cannot be read: %s", strings.TrimPrefix(text, "proto: "))
}

func badJSON(text string) error {
	m := jsonPosition.FindStringSubmatch(text)
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	v := errs.Violation{Message: m[3], Line: line, Column: column}
	if f := unknownField.FindStringSubmatch(m[3]); f != nil {
		v.Field, v.Message = f[1], "unknown field"
		e := errs.Invalid("the body has an unknown field %q (line %d, column %d)", v.Field, line, column).With(v)
		e.Reason = errs.ReasonUnknownField
		return e
	}
	if f := namedField.FindStringSubmatch(m[3]); f != nil {
		v.Field = f[1]
	}
	return errs.Invalid("the body cannot be read (line %d, column %d): %s", line, column, m[3]).With(v)
}
