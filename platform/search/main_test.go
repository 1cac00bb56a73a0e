package search

import (
	"testing"

	"sluice.dev/platform/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
