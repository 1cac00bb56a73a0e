// Package trafficpolicy is the Traffic Policy language: documents that say what
// happens to connections, requests and responses at an endpoint. It parses and
// checks a document, compiles it once, and runs it against live exchanges.
//
// The package does no I/O of its own. What an action needs from outside (rate
// limit counters, secrets, keys, other servers) comes through [Services]. An
// action is one file, action_<type>.go, that registers itself; see [Actions].
// Content codings, the client for requests of policies and tests from files are
// in the packages coding, outbound and policytest.
package trafficpolicy
