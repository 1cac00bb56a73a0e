// Package console carries the built web console. The sources are in src; "make
// console" builds them into dist.
package console

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var built embed.FS

// Files are the built console; they lack index.html when it was not built.
func Files() fs.FS {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path
	}
	return files
}
