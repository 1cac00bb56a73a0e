package trafficpolicy

import "time"

// Facts are what actions did, for the record of the exchange. Empty members
// mean that no such action ran.
type Facts struct {
	BasicAuth     BasicAuthFacts
	RateLimit     RateLimitFacts
	Login         string           // oauth, openid-connect: "allow", "login" when the person was sent to log in, or "block"
	LoginUser     string           // who is logged in: their e-mail address, else their id
	JWT           string           // jwt-validation: "allow" or "block"
	Webhook       string           // verify-webhook: "allow" or "block"
	OWASPRequest  string           // owasp-crs-request: "allow", "deny" or "error"
	OWASPResponse string           // owasp-crs-response: the same
	IPPolicy      string           // restrict-ips: "allow" or "deny"
	Redirect      string           // redirect: the location sent
	Rewrite       string           // url-rewrite: the new URL
	Logs          []map[string]any // log: the metadata of each run, in order
	ErrorCode     Code             // of the response that the policy made

	Secrets []string // that the exchange itself carries, such as the code of a login: no record may show them

	Forward        string // forward-internal: the endpoint that answers, such as "https://users.internal:443"
	CircuitBreaker string // circuit-breaker: "allow", "block" or "allow_while_open"
	Compression    CompressionFacts
}

// CompressionFacts tell what compress-response did.
type CompressionFacts struct {
	Algorithm  string // "gzip" and the like, or "none"
	BytesSaved int64  // of the body so far; negative when it grew
}

// BasicAuthFacts tell how basic-auth decided.
type BasicAuthFacts struct {
	Decision string // "allow" or "block"
	Username string // as presented; "" when none was
}

// RateLimitFacts tell how the last rate-limit, or the one that refused, decided.
type RateLimitFacts struct {
	Decision   string // "allow", "block", or "unknown" when the counter did not answer
	Name       string
	BucketKey  string
	Capacity   int64
	Rate       time.Duration
	Remaining  int64
	RetryAfter time.Duration
	Local      bool // decided without the shared counter
	Enforced   bool
}

// Facts returns what happened so far.
func (r *Run) Facts() Facts {
	f := r.facts
	if r.compressed != nil {
		in, out := r.compressed.Sizes()
		f.Compression.BytesSaved = in - out
	}
	for i, entry := range f.Logs {
		f.Logs[i], _ = r.hide(entry).(map[string]any)
	}
	return f
}

// hide replaces secret values in a record.
func (r *Run) hide(v any) any {
	secrets := r.vars.SecretsRead()
	if len(secrets) == 0 {
		return v
	}
	switch x := v.(type) {
	case string:
		return r.vars.Hide(x)
	case []any:
		for i := range x {
			x[i] = r.hide(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = r.hide(x[k])
		}
	}
	return v
}
