package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"sluice.dev/cmd/sluice/internal/client"
	"sluice.dev/cmd/sluice/internal/manifest"
	"sluice.dev/cmd/sluice/internal/terminal"
)

type applyCmd struct {
	client.Flags
	File string `short:"f" required:"" help:"Manifest, as written by export; - reads standard input."`
}

// Run applies the manifest.
func (c *applyCmd) Run(ctx context.Context, conn *client.Client) error {
	source, err := readSource(c.File)
	if err != nil {
		return err
	}
	docs, err := manifest.Parse([]byte(source))
	if err != nil {
		return errors.New(terminal.Error(err, c.File))
	}
	return manifest.Apply(ctx, conn, docs, func(r manifest.Result) {
		verb := "updated"
		if r.Created {
			verb = "created"
		}
		fmt.Printf("%s %s %s %s\n", verb, r.Kind, r.ID, r.Key)
	})
}

type exportCmd struct{ client.Flags }

// Run writes the manifest to standard output.
func (c *exportCmd) Run(ctx context.Context, conn *client.Client) error {
	return manifest.Export(ctx, conn, os.Stdout)
}
