package rest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice.dev/gateway/internal/api"
	"sluice.dev/gateway/internal/apierror"
	"sluice.dev/platform/errs"
)

// checkParameters refuses query parameters that the method does not have.
func checkParameters(rawQuery string, m api.Method) error {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return errs.Invalid("the query of the URL is not valid: %s", err)
	}
	known := parameters(m)
	for name := range query {
		if !slices.Contains(known, name) {
			e := errs.Invalid("there is no query parameter %q", name).
				With(errs.Violation{Field: name, Message: "unknown query parameter", Hint: hint(known)})
			e.Reason = apierror.ReasonParameter
			return e
		}
	}
	return nil
}

func hint(known []string) string {
	if len(known) == 0 {
		return "this call takes none"
	}
	return fmt.Sprintf("known are %s", strings.Join(known, ", "))
}

// parameters are the request's fields that neither path nor body fills.
func parameters(m api.Method) []string {
	var out []string
	if m.Body == "*" {
		return nil
	}
	fields := m.Desc.Input().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		name := string(f.Name())
		if name != m.Body && !strings.Contains(m.Pattern, "{"+name+"}") && isParameter(f) {
			out = append(out, name)
		}
	}
	return out
}

// isParameter: scalars, and the messages that have a text form.
func isParameter(f protoreflect.FieldDescriptor) bool {
	return f.Message() == nil || f.Message().ParentFile().Package() == "google.protobuf"
}
