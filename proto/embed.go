// Package proto holds Sluice's API definitions. The Go code generated from them
// is in the packages below gen; this one only carries the generated OpenAPI
// document, which package openapi finishes.
package proto

import _ "embed"

// OpenAPI is the document as the generator wrote it. Use openapi.Document.
//
//go:embed gen/openapi.json
var OpenAPI []byte
