package trafficpolicy

import (
	"sync"

	"sluice.dev/platform/trafficpolicy/expr"
)

// Phase is a moment in an exchange at which rules run.
type Phase string

// The phases, in the order they happen.
const (
	OnTCPConnect   Phase = "on_tcp_connect"   // connection accepted, before TLS and HTTP
	OnHTTPRequest  Phase = "on_http_request"  // request head received
	OnHTTPResponse Phase = "on_http_response" // response head about to be sent

	OnEventStreamMessage Phase = "on_event_stream_message" // each message of a response that is an event stream
)

// Phases lists every phase in order.
func Phases() []Phase {
	return []Phase{OnTCPConnect, OnHTTPRequest, OnHTTPResponse, OnEventStreamMessage}
}

// wholePhases are those that concern a whole connection or exchange.
var wholePhases = []Phase{OnTCPConnect, OnHTTPRequest, OnHTTPResponse}

// retired are former names of phases; they still work, with a warning.
var retired = map[string]Phase{"inbound": OnHTTPRequest, "outbound": OnHTTPResponse}

// Protocol is what an endpoint speaks; it decides which phases exist.
type Protocol string

// The protocols of endpoints.
const (
	HTTP  Protocol = "http"
	HTTPS Protocol = "https"
	TLS   Protocol = "tls"
	TCP   Protocol = "tcp"
)

// runs reports whether endpoints of protocol p have this phase.
func (ph Phase) runs(p Protocol) bool {
	return ph == OnTCPConnect || p == HTTP || p == HTTPS
}

func (ph Phase) scope() expr.Scope {
	switch ph {
	case OnTCPConnect:
		return expr.OnConnect
	case OnHTTPRequest:
		return expr.OnRequest
	}
	return expr.OnResponse
}

// environments are built on first use and serve every policy.
var environments = sync.OnceValue(func() map[Phase]*expr.Env {
	results := resultVariables()
	envs := make(map[Phase]*expr.Env, phaseCount)
	for _, ph := range Phases() {
		env, err := expr.NewEnv(ph.scope(), results)
		if err != nil {
			panic(err) // only a faulty declaration in this module can cause it
		}
		envs[ph] = env
	}
	return envs
})

// retryEnvironments are for the conditions of http-request.
var retryEnvironments = sync.OnceValue(func() map[Phase]*expr.Env {
	variables := append(resultVariables(), expr.RetryVariables()...)
	envs := make(map[Phase]*expr.Env, 2)
	for _, ph := range []Phase{OnHTTPRequest, OnHTTPResponse} {
		env, err := expr.NewEnv(ph.scope(), variables)
		if err != nil {
			panic(err) // only a faulty declaration in this module can cause it
		}
		envs[ph] = env
	}
	return envs
})

// Variables lists what expressions can read in a phase.
func Variables(ph Phase) []expr.Variable { return environments()[ph].Variables() }

// Functions lists what expressions can call.
func Functions() []string { return environments()[OnHTTPResponse].Functions() }
