package coding_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when an encoder or a decoder is left running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
