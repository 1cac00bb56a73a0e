package event

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/trafficpolicy/nearest"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// codeUnknownField is the published code of a field name that does not exist.
const codeUnknownField = "SLUICE_5403"

// Selection is the fields that a subscription sends.
type Selection struct{ fields []Field }

// Select returns the selection of the given paths; of none, all fields. The
// error names each unknown path by its place in field, and what was meant.
func Select(field string, paths []string) (Selection, error) {
	if len(paths) == 0 {
		return Selection{fields}, nil
	}
	var s Selection
	var unknown []errs.Violation
	for i, path := range paths {
		at := slices.IndexFunc(fields, func(f Field) bool { return f.Path == path })
		if at < 0 {
			unknown = append(unknown, unknownField(field, i, path))
			continue
		}
		s.fields = append(s.fields, fields[at])
	}
	if len(unknown) > 0 {
		return Selection{}, errs.Invalid("%s: %s", unknown[0].Field, unknown[0].Message).With(unknown...)
	}
	return s, nil
}

func unknownField(field string, i int, path string) errs.Violation {
	v := errs.Violation{
		Field:   field + "[" + strconv.Itoa(i) + "]",
		Message: HTTPRequestComplete + ` has no field "` + path + `"`,
		Code:    codeUnknownField,
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Path
	}
	if meant := nearest.Word(strings.TrimPrefix(path, "object."), names); meant != "" {
		v.Hint = `did you mean "` + meant + `"?`
	}
	return v
}

// Event is the http_request_complete.v0 event of an exchange.
func (s Selection) Event(ex *capturev1.Exchange, account string) Event {
	object := make(map[string]any, 8)
	for _, f := range s.fields {
		if v := f.value(ex); v != nil {
			Put(object, f.Path, v)
		}
	}
	return Event{
		ID: IDOf(ex.GetId()), Type: HTTPRequestComplete, Time: Completed(ex), Account: account, Object: object,
		Endpoint: Endpoint{ID: ex.GetEndpointId(), Name: ex.GetEndpointName()},
	}
}

// Put sets the value at a dotted path, making the levels above it.
func Put(object map[string]any, path string, v any) {
	for {
		head, rest, deeper := strings.Cut(path, ".")
		if !deeper {
			object[head] = v
			return
		}
		next, ok := object[head].(map[string]any)
		if !ok {
			next = make(map[string]any, 4)
			object[head] = next
		}
		object, path = next, rest
	}
}

// hostname is host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
