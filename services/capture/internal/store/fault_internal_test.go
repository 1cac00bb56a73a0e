package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
)

func TestFaultsSayWhatToDo(t *testing.T) {
	s := &Store{limits: Limits{Time: 10 * time.Second}}
	for _, c := range []struct {
		err    error
		code   codes.Code
		phrase string
	}{
		{&ch.Exception{Code: codeTimeout}, codes.DeadlineExceeded, "took longer than 10s; narrow the time range"},
		{&ch.Exception{Code: codeTooManyRows}, codes.ResourceExhausted, "narrow the time range"},
		{&ch.Exception{Code: codeMemoryLimit}, codes.ResourceExhausted, "narrow the time range"},
		{&ch.Exception{Code: codeTooManyQuery}, codes.Unavailable, "too many queries"},
		{&ch.Exception{Code: 47, Message: "unknown identifier secret"}, codes.Internal, "internal error"},
		{io.EOF, codes.Unavailable, "does not answer"},
		{errors.New("other"), codes.Internal, "internal error"},
	} {
		e := errs.As(s.explain(fmt.Errorf("query: %w", c.err)))
		if e == nil || e.Code != c.code || !strings.Contains(e.Message, c.phrase) || strings.Contains(e.Message, "secret") {
			t.Errorf("%v becomes %+v", c.err, e)
		}
	}
	if err := s.explain(context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled query becomes %v", err)
	}
}
