package pipeline

import (
	"errors"
	"os"

	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/http1"
)

// badBody is what to tell a client whose request body cannot be read, although the
// client may still be there; nil when it has gone.
func badBody(err error) *answer.Failure {
	var malformed *http1.Error
	var source *http1.SourceError
	switch {
	case errors.As(err, &malformed):
		return &answer.Failure{Status: malformed.Status, Code: answer.CodeBadRequest, Message: "the request body cannot be read: " + malformed.Error()}
	case errors.As(err, &source) && errors.Is(source.Cause, os.ErrDeadlineExceeded):
		return &answer.Failure{Status: 408, Code: answer.CodeBadRequest, Message: "the next part of the request body did not come in time"}
	}
	return nil
}
