// Package redact takes secrets out of what Sluice keeps and shows: recorded
// exchanges, URLs in logs and errors, and the fields that the API marks with
// debug_redact.
//
// In records a [Redactor] finds them by where they stand (a header, a parameter, a
// member or field with a telling name), by their shape (tokens of well-known
// services, card numbers), and by what an operator's rules say. In its place a
// value leaves its length and a keyed hash, so that equal values can be told
// without knowing them. Texts that are no records get the plain [Mark].
//
// It is no scanner for personal data, and it does not look into formats that it
// cannot read, such as archives and images.
package redact

// Mark stands where a secret was in texts that are no records.
const Mark = "[redacted]"

// beginsMark is how the replacement in a record and Mark begin.
const beginsMark = "[redacted"
