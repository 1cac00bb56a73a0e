// Command sluice is all of Sluice: every service, everything at once (`sluice
// up`), and the command line for people and scripts.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"sluice.dev/cmd/sluice/internal/terminal"
	"sluice.dev/cmd/sluice/internal/up"
)

// version is set by the linker.
var version = "dev"

// replayDeadline bounds a replay: the gateway's own limit and some way to go.
const replayDeadline = 40 * time.Second

type commandLine struct {
	Up      upCmd      `cmd:"" help:"Run everything on this machine, with nothing else installed than Redis."`
	HTTP    httpCmd    `cmd:"" name:"http" help:"Publish an API for as long as this command runs, and show its requests."`
	Traffic trafficCmd `cmd:"" help:"Look at recorded exchanges."`
	OpenAPI openapiCmd `cmd:"" name:"openapi" help:"OpenAPI documents and what traffic says of them."`
	Replay  replayCmd  `cmd:"" help:"Send a recorded request again, as it was or changed."`
	Limits  limitsCmd  `cmd:"" help:"Show what rate limits count now, fullest buckets first."`
	Policy  policyCmd  `cmd:"" help:"Traffic Policy files."`
	Apply   applyCmd   `cmd:"" help:"Make the configuration what a manifest says."`
	Export  exportCmd  `cmd:"" help:"Write the configuration as a manifest."`
	APIKeys apiKeysCmd `cmd:"" name:"api-keys" help:"Keys of the REST and gRPC API."`
	Secrets secretsCmd `cmd:"" help:"Vaults of secrets that policies read."`
	DemoAPI demoAPICmd `cmd:"" name:"demo-api" help:"Run a sample API to try things with."`
	Serve   serveCmd   `cmd:"" help:"Run one service, for production."`
	Health  healthCmd  `cmd:"" help:"Ask a health URL; for container health checks."`

	Version kong.VersionFlag `help:"Print the version."`
}

type upCmd struct{ up.Flags }

// Run runs everything.
func (c *upCmd) Run(ctx context.Context) error { return up.Run(ctx, c.Flags) }

// newParser is the command line's grammar; also read by tests and the reference.
func newParser(ctx context.Context, c *commandLine) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("sluice"),
		kong.Description("A self-hosted gateway for HTTP APIs: publish, limit, record, replay, export, watch."),
		kong.UsageOnError(),
		kong.Vars{"version": version},
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
}

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parser, err := newParser(ctx, &commandLine{})
	if err != nil {
		panic(err) // the grammar is part of the program
	}
	cmd, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "sluice: "+terminal.Error(err, ""))
		return 1
	}
	return 0
}
