// Package expr is the expression language of the Traffic Policy: CEL with the
// gateway's variables and functions, and ${} templates made of it.
//
// Everything is parsed, checked and planned when a policy is loaded. Evaluation
// reads the live request through [Vars], value by value and only what the
// expression names. The package knows nothing of rules and actions.
package expr

// Scope is the set of phases in which a variable can be read.
type Scope uint8

// The phases, as bits of a Scope.
const (
	OnConnect  Scope = 1 << iota // a connection was accepted
	OnRequest                    // a request head was received
	OnResponse                   // a response head is about to be sent

	anyPhase = OnConnect | OnRequest | OnResponse
	inHTTP   = OnRequest | OnResponse
)

// String names the scope as a policy document does.
func (s Scope) String() string {
	switch s {
	case OnConnect:
		return "on_tcp_connect"
	case OnRequest:
		return "on_http_request"
	case OnResponse:
		return "on_http_response"
	case inHTTP:
		return "on_http_request and on_http_response"
	}
	return "every phase"
}
