package trafficpolicy_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a fetch of keys or a decoder is left running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
