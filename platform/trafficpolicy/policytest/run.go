package policytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/coding"
)

// Result is how a step went; no failures means as expected.
type Result struct {
	Step      string
	Failures  []string
	Trace     trafficpolicy.Trace // of its first exchange that went wrong, else of the last
	Exchanges []*Exchange         // that could be made, in order
}

// Run compiles the policy and takes the steps in order. Problems with errors
// mean that nothing ran.
func (s *Suite) Run(ctx context.Context) ([]Result, trafficpolicy.Problems) {
	policy, problems := trafficpolicy.Compile(s.Policy, trafficpolicy.ForProtocol(s.Protocol))
	if policy == nil {
		return nil, problems
	}
	clock := s.Start
	if clock.IsZero() {
		clock = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	start, now := clock, func() time.Time { return clock }
	limiter := &Window{Now: now}
	other := remote(s.Remote)
	svc := trafficpolicy.Services{RateLimiter: limiter, Secrets: vault(s.Secrets), Now: now, KeySets: trafficpolicy.NewKeySets(other, now), HTTP: other, SessionKey: []byte("of tests, known to everyone"), Breakers: trafficpolicy.NewBreakers(now)}
	results := make([]Result, 0, len(s.Steps))
	for _, step := range s.Steps {
		if at := start.Add(step.At); at.After(clock) {
			clock = at
		}
		limiter.Down = step.Counter == "down"
		result := Result{Step: step.Name}
		for i := range step.Repeat {
			x, err := s.exchange(ctx, policy, svc, step, clock)
			var failures []string
			if err != nil {
				failures = append(failures, err.Error())
			} else {
				failures = step.Expect.compare(x)
				result.Exchanges = append(result.Exchanges, x)
				if len(result.Failures) == 0 {
					result.Trace = x.Trace
				}
			}
			for _, f := range failures {
				if step.Repeat > 1 {
					f = fmt.Sprintf("exchange %d: %s", i+1, f)
				}
				result.Failures = append(result.Failures, f)
			}
		}
		results = append(results, result)
	}
	return results, problems
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// vault holds "vault/name": value.
type vault map[string]string

var errNoSecret = errors.New("no such secret")

// Secret implements expr.SecretSource.
func (v vault) Secret(_ context.Context, vaultName, name string) (string, error) {
	if value, ok := v[vaultName+"/"+name]; ok {
		return value, nil
	}
	return "", errNoSecret
}

// maxBody is the most of a body that is looked at, in bytes.
const maxBody = 64 << 20

func bodyOf(body io.Reader, encoding string) string {
	if body == nil {
		return ""
	}
	b, err := coding.Decode(body, encoding, maxBody)
	if err != nil {
		return "unreadable: " + err.Error()
	}
	return string(b)
}
