package query

import (
	"testing"

	"go.uber.org/goleak"

	"sluice.dev/platform/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }
