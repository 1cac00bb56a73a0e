// Package redact takes secrets out of what Sluice keeps and shows: header values
// and query parameters of recorded exchanges, URLs in logs and errors, and the
// fields that the API marks with debug_redact.
//
// It recognises secrets by where they stand (a header's or parameter's name, a
// field's mark), not by looking at values, so it is cheap enough for the data
// path and its effect can be predicted. Only a [Secret], whose value is known, is
// found wherever it stands, bodies included.
package redact

// Mark stands where a secret was.
const Mark = "[redacted]"
