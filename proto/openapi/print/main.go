// Command print writes the finished OpenAPI document to standard output, for
// generators of clients.
package main

import (
	"fmt"
	"os"

	"sluice.dev/proto/openapi"
)

func main() {
	doc, err := openapi.Document()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(append(doc, '\n')); err != nil {
		os.Exit(1)
	}
}
