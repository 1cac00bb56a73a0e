package policy

import (
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/sealed"
)

// DefaultListen is where the service listens unless configured otherwise.
const DefaultListen = "127.0.0.1:4051"

// Config is what an operator sets. An empty GRPC.Listen means [DefaultListen].
type Config struct {
	GRPC  rpc.ServerConfig `embed:"" prefix:"grpc-"`
	Redis redisdb.Config   `embed:"" prefix:"redis-"`

	Secrets sealed.Config `embed:""`
}
