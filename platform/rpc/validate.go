package rpc

import (
	"errors"
	"fmt"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	"sluice.dev/platform/errs"
)

// Validate checks a message against the rules in its proto. Servers do so with
// every request; it is for what they put together themselves, such as a resource
// after a partial change.
func Validate(msg proto.Message) error { return check(protovalidate.GlobalValidator, msg) }

func check(v protovalidate.Validator, msg proto.Message) error {
	err := v.Validate(msg)
	if err == nil {
		return nil
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return errs.Internal(err)
	}
	out := errs.Invalid("the request is not valid")
	for _, v := range invalid.Violations {
		out = out.With(errs.Violation{Field: protovalidate.FieldPathString(v.Proto.GetField()), Message: v.Proto.GetMessage()})
	}
	out.Message = fmt.Sprintf("%s: %s", out.Violations[0].Field, out.Violations[0].Message)
	return out
}
