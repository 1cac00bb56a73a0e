package errs_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sluice.dev/platform/errs"
)

func TestErrorSurvivesTheWire(t *testing.T) {
	sent := errs.InvalidField("traffic_policy", "unknown field %q", "capacty").
		With(errs.Violation{Field: "on_http_request[0]", Message: "unknown action", Hint: "did you mean deny?", Line: 3, Column: 9, Code: "SLUICE_2201"})
	sent.RetryAfter = 1500 * time.Millisecond

	got := errs.As(errs.FromGRPC(status.Convert(sent).Err()))

	if diff := cmp.Diff(sent, got, cmpopts.IgnoreUnexported(errs.Error{})); diff != "" {
		t.Errorf("the error changed on its way (-sent +got):\n%s", diff)
	}
}

func TestCauseStaysHome(t *testing.T) {
	err := errs.Internal(errors.New("password=hunter2"))
	if got := errs.FromGRPC(status.Convert(err).Err()).Error(); got != err.Message {
		t.Errorf("the client sees %q, want %q", got, err.Message)
	}
}

func TestPlainStatus(t *testing.T) {
	got := errs.As(errs.FromGRPC(status.Error(codes.NotFound, "gone")))
	if got == nil || got.Reason != errs.ReasonNotFound || got.Message != "gone" {
		t.Errorf("got %+v", got)
	}
}
