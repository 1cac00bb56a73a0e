// Package resource keeps configuration as revisioned protobuf documents in Redis.
//
// Each change is one Lua script: it compares and sets the document by its
// revision, keeps the unique index, takes the next global revision, and appends
// to the change feed and to the audit log. So there is no lost update, no change
// that watchers miss without knowing, and no change without its audit record.
//
// It is for configuration: thousands of documents that change by people's hand.
// Counters and exchanges live elsewhere.
package resource
