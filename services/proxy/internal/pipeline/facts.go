package pipeline

import "sluice.dev/platform/trafficpolicy"

// addFacts adds to f, the facts of those before, what an internal endpoint's policy
// did: what decided last about the client's request counts. Of one that a policy
// only asked, the log entries do.
func (l *leg) addFacts(f trafficpolicy.Facts) trafficpolicy.Facts {
	own := l.run.Facts()
	f.Logs, f.Secrets = append(f.Logs, own.Logs...), append(f.Secrets, own.Secrets...)
	if l.called {
		return f
	}
	if own.RateLimit.Decision != "" {
		f.RateLimit = own.RateLimit
	}
	if own.BasicAuth.Decision != "" {
		f.BasicAuth = own.BasicAuth
	}
	if own.Compression.Algorithm != "" {
		f.Compression = own.Compression
	}
	for _, fact := range []struct{ to, from *string }{
		{&f.Login, &own.Login}, {&f.LoginUser, &own.LoginUser}, {&f.JWT, &own.JWT}, {&f.Webhook, &own.Webhook}, {&f.IPPolicy, &own.IPPolicy}, {&f.CircuitBreaker, &own.CircuitBreaker},
		{&f.OWASPRequest, &own.OWASPRequest}, {&f.OWASPResponse, &own.OWASPResponse}, {&f.Redirect, &own.Redirect}, {&f.Rewrite, &own.Rewrite},
	} {
		if *fact.from != "" {
			*fact.to = *fact.from
		}
	}
	return f
}

// phases is the trace of l's policy, marked as that endpoint's.
func (l *leg) phases() []trafficpolicy.PhaseTrace {
	phases := l.run.Trace().Phases
	for i := range phases {
		phases[i].Endpoint = l.endpoint.URL
	}
	return phases
}

// decisions are what actions decided that have no fields of their own in a record,
// by name; nil when there were none.
func decisions(f trafficpolicy.Facts) map[string]string {
	var out map[string]string
	note := func(name, decision string) {
		if decision == "" {
			return
		}
		if out == nil {
			out = make(map[string]string, 4)
		}
		out[name] = decision
	}
	note("oauth", f.Login)
	note("jwt", f.JWT)
	note("webhook", f.Webhook)
	note("ip_restriction", f.IPPolicy)
	note("circuit_breaker", f.CircuitBreaker)
	note("owasp", worse(f.OWASPRequest, f.OWASPResponse))
	note("compression", f.Compression.Algorithm)
	return out
}

// worse is the graver of two decisions about a request and its response.
func worse(request, response string) string {
	for _, decision := range []string{"deny", "error", "allow"} {
		if request == decision || response == decision {
			return decision
		}
	}
	return ""
}
