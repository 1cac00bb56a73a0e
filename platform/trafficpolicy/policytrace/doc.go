// Package policytrace makes the trace of a Traffic Policy run into the message
// that is stored, sent and shown: bounded in size, and with the secrets of result
// variables replaced.
//
// Secrets that expressions read with secrets.get are not in a trace to begin with.
package policytrace

// Bounds of a trace. They keep it small beside the exchange that it belongs to.
const (
	maxTrace      = 32 << 10 // bytes, roughly; what ended a phase is told beyond it
	maxUnmatched  = 16 << 10 // bytes of it for rules that did not match
	maxExpression = 256      // bytes of an expression
	maxError      = 512      // bytes of an error
	maxName       = 128      // bytes of a rule's or action's name
	maxText       = 1 << 10  // bytes of one text in a result variable
	maxResults    = 4 << 10  // bytes of the results of an action
)
