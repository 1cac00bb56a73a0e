package policytest

import (
	"context"
	"fmt"
)

// remote is what other servers answer, by URL.
type remote map[string]Upstream

// FetchKeys implements trafficpolicy.KeyFetcher.
func (r remote) FetchKeys(_ context.Context, url string) ([]byte, error) {
	answer, ok := r[url]
	if !ok {
		return nil, fmt.Errorf("%s does not answer", url)
	}
	return []byte(answer.Body), nil
}
