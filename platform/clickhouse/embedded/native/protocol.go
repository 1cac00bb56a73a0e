// Package native serves an engine over ClickHouse's native TCP protocol, so
// that an unmodified clickhouse-go or clickhouse-client works with it.
//
// It speaks one revision of the protocol to clients on the same machine. It is
// no general ClickHouse server: no users but one, no distributed queries, no
// external tables, no HTTP.
package native

// Revision is the protocol revision that the server advertises, the one of
// clickhouse-go v2. Below 54459 a client can't send query parameters.
const Revision = 54460

// minRevision is the oldest client that is understood.
const minRevision = 54459

// Packets that a client sends.
const (
	clientHello  = 0
	clientQuery  = 1
	clientData   = 2
	clientCancel = 3
	clientPing   = 4
)

// Packets that a server sends.
const (
	serverHello       = 0
	serverData        = 1
	serverException   = 2
	serverProgress    = 3
	serverPong        = 4
	serverEndOfStream = 5
	serverProfileInfo = 6
)

// ClickHouse's error codes for what this server itself finds wrong.
const (
	codeNoSuchColumn     = 16
	codeBadArguments     = 36
	codeNotImplemented   = 48
	codeUnknownSetting   = 115
	codeCancelled        = 394
	codeTooManySessions  = 202
	codeProtocol         = 101
	codeAuthentication   = 516
	codeUnknownException = 1002
)
