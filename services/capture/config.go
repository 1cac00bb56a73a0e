package capture

import (
	"net"
	"os"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
)

const (
	defaultListen     = "127.0.0.1:4052"
	defaultClickHouse = "clickhouse://127.0.0.1:9000/sluice"
	defaultRetention  = 72 * time.Hour
	minRetention      = time.Hour
	maxRetention      = 90 * 24 * time.Hour
)

// Config is how a capture process is set up. Zero values mean the defaults.
type Config struct {
	GRPC       rpc.ServerConfig `embed:"" prefix:"grpc-"`
	Redis      redisdb.Config   `embed:"" prefix:"redis-"`
	ClickHouse string           `name:"clickhouse" help:"ClickHouse: clickhouse://user:password@host:9000/database. A database that does not exist is made." default:"clickhouse://127.0.0.1:9000/sluice" env:"SLUICE_CLICKHOUSE_DSN"`

	Writer    string        `help:"Name of this process in the log of exchanges: different from that of every other capture process, and the same after a restart. Default: host name and port, such as web1:4052." env:"SLUICE_CAPTURE_WRITER"`
	Retention time.Duration `help:"How long exchanges are kept, from the time the request was received: 1h to 2160h (90 days)." default:"72h" env:"SLUICE_CAPTURE_RETENTION"`

	QueryTimeout time.Duration `help:"Longest time of one search or aggregate." default:"10s" env:"SLUICE_CAPTURE_QUERY_TIMEOUT"`
	QueryRows    uint64        `help:"Most rows that one search or aggregate may read." default:"2000000000" env:"SLUICE_CAPTURE_QUERY_ROWS"`
	QueryBytes   uint64        `help:"Most bytes, uncompressed, that one search or aggregate may read." default:"200000000000" env:"SLUICE_CAPTURE_QUERY_BYTES"`
	QueueBytes   int64         `help:"Most memory of batches that wait to be stored; proxies wait when it is used up." default:"134217728" env:"SLUICE_CAPTURE_QUEUE_BYTES"`
}

// complete fills in defaults and checks.
func (c Config) complete() (Config, error) {
	orDefault(&c.GRPC.Listen, defaultListen)
	orDefault(&c.Redis.URL, "redis://127.0.0.1:6379/0")
	orDefault(&c.ClickHouse, defaultClickHouse)
	orDefault(&c.Retention, defaultRetention)
	orDefault(&c.QueryTimeout, 10*time.Second)
	orDefault(&c.QueryRows, 2e9)
	orDefault(&c.QueryBytes, 200e9)
	orDefault(&c.QueueBytes, 128<<20)
	if c.Retention < minRetention || c.Retention > maxRetention {
		return c, errs.InvalidField("retention", "%s is not between %s and %s (90 days)", c.Retention, minRetention, maxRetention)
	}
	if c.QueryTimeout < time.Second {
		return c, errs.InvalidField("query_timeout", "%s is shorter than a second", c.QueryTimeout)
	}
	return c, nil
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// writerName is the default writer: host and port tell the processes of an
// installation apart and outlive a restart. With a port that the system chose a
// writer of its own begins with every start, which costs nothing but its name.
func writerName(target string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	if _, port, err := net.SplitHostPort(target); err == nil {
		return net.JoinHostPort(host, port)
	}
	return host + ":" + target
}
