package events

import (
	"time"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/sealed"
)

// DefaultListen is where the service listens unless configured otherwise.
const DefaultListen = "127.0.0.1:4054"

// Config is what an operator sets. An empty GRPC.Listen means [DefaultListen].
type Config struct {
	GRPC          rpc.ServerConfig `embed:"" prefix:"grpc-"`
	Redis         redisdb.Config   `embed:"" prefix:"redis-"`
	Secrets       sealed.Config    `embed:""`
	CaptureTarget string           `help:"The capture service." default:"127.0.0.1:4052" env:"SLUICE_CAPTURE_TARGET"`

	ConsoleURL      string        `help:"URL under which people reach the web console, for links in notifications." default:"http://127.0.0.1:4040" env:"SLUICE_CONSOLE_URL" name:"console-url"`
	EvaluationDelay time.Duration `help:"How far behind now a monitor's window ends, so that exchanges on their way are counted." default:"1s" env:"SLUICE_EVENTS_EVALUATION_DELAY"`
	EgressNetworks  []string      `help:"Networks beyond public addresses that exports and notifications may be sent to, as CIDR blocks; 'none' for none. Default: loopback and private networks." env:"SLUICE_EVENTS_EGRESS_NETWORKS"`
	AccountID       string        `help:"account_id of exported events." default:"ac_sluice" env:"SLUICE_EVENTS_ACCOUNT_ID" name:"account-id"`
}

func (c Config) withDefaults() Config {
	if c.GRPC.Listen == "" {
		c.GRPC.Listen = DefaultListen
	}
	if c.CaptureTarget == "" {
		c.CaptureTarget = "127.0.0.1:4052"
	}
	if c.ConsoleURL == "" {
		c.ConsoleURL = "http://127.0.0.1:4040"
	}
	if c.EvaluationDelay == 0 {
		c.EvaluationDelay = time.Second
	}
	if c.AccountID == "" {
		c.AccountID = "ac_sluice"
	}
	return c
}
