package nearest_test

import (
	"testing"

	"sluice.dev/platform/trafficpolicy/nearest"
)

func TestWord(t *testing.T) {
	words := []string{"rate-limit", "deny", "custom-response", "capacity", "rate", "req.url.path"}
	tests := map[string]string{
		"rate_limit":    "rate-limit",
		"RateLimit":     "rate-limit",
		"capacty":       "capacity",
		"dney":          "deny",
		"denny":         "deny",
		"custom-respon": "custom-response",
		"custom":        "custom-response",
		"ra":            "",
		"something":     "",
		"deny":          "",
	}
	for word, want := range tests {
		if got := nearest.Word(word, words); got != want {
			t.Errorf("Word(%q) = %q, want %q", word, got, want)
		}
	}
}
