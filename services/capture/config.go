package capture

import (
	"net"
	"os"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/services/capture/internal/store"
)

const (
	defaultListen     = "127.0.0.1:4052"
	defaultClickHouse = "clickhouse://127.0.0.1:9000/sluice"
	defaultRetention  = 72 * time.Hour
	minRetention      = time.Hour
	minDiskLimit      = 64 << 20
	maxRetention      = 90 * 24 * time.Hour
)

// Config is how a capture process is set up. Zero values mean the defaults.
type Config struct {
	GRPC       rpc.ServerConfig `embed:"" prefix:"grpc-"`
	Redis      redisdb.Config   `embed:"" prefix:"redis-"`
	ClickHouse string           `name:"clickhouse" help:"ClickHouse: clickhouse://user:password@host:9000/database. A database that does not exist is made." default:"clickhouse://127.0.0.1:9000/sluice" env:"SLUICE_CLICKHOUSE_DSN"`

	Writer    string        `help:"Name of this process in the log of exchanges: different from that of every other capture process, and the same after a restart. Default: host name and port, such as web1:4052." env:"SLUICE_CAPTURE_WRITER"`
	Retention time.Duration `help:"How long exchanges are kept, from the time the request was received: 1h to 2160h (90 days)." default:"72h" env:"SLUICE_CAPTURE_RETENTION"`

	BodyRetention    time.Duration `help:"How long the parts of bodies beyond their first 16 KiB are kept; 0 for as long as exchanges, which is also the most." default:"0s" env:"SLUICE_CAPTURE_BODY_RETENTION"`
	MessageRetention time.Duration `help:"How long messages of WebSockets, gRPC calls and event streams are kept; 0 for as long as exchanges, which is also the most." default:"0s" env:"SLUICE_CAPTURE_MESSAGE_RETENTION"`
	CountRetention   time.Duration `help:"How long counts by minute and hour are kept; at least as long as exchanges." default:"2160h" env:"SLUICE_CAPTURE_COUNT_RETENTION"`
	DiskLimit        uint64        `help:"Most bytes that recordings may take on the disk: beyond it the oldest are dropped before their time. 0 for no limit." default:"0" env:"SLUICE_CAPTURE_DISK_LIMIT"`
	Cluster          string        `help:"Name of the ClickHouse cluster, as its servers define it: the tables are then made on all its servers, replicated. Empty for a server of its own." env:"SLUICE_CLICKHOUSE_CLUSTER"`
	NoTextIndex      bool          `help:"Do without the index on all text, which makes searches for words fast and takes about a third more space and half as much work again." env:"SLUICE_CAPTURE_NO_TEXT_INDEX"`

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
	orDefault(&c.CountRetention, maxRetention)
	orDefault(&c.QueryTimeout, 10*time.Second)
	orDefault(&c.QueryRows, 2e9)
	orDefault(&c.QueryBytes, 200e9)
	orDefault(&c.QueueBytes, 128<<20)
	if c.Retention < minRetention || c.Retention > maxRetention {
		return c, errs.InvalidField("retention", "%s is not between %s and %s (90 days)", c.Retention, minRetention, maxRetention)
	}
	for field, d := range map[string]time.Duration{"body_retention": c.BodyRetention, "message_retention": c.MessageRetention} {
		if d != 0 && d < minRetention {
			return c, errs.InvalidField(field, "%s is shorter than %s; 0 stands for as long as exchanges", d, minRetention)
		}
	}
	if c.DiskLimit > 0 && c.DiskLimit < minDiskLimit {
		return c, errs.InvalidField("disk_limit", "%d bytes are less than %d", c.DiskLimit, int64(minDiskLimit))
	}
	if c.QueryTimeout < time.Second {
		return c, errs.InvalidField("query_timeout", "%s is shorter than a second", c.QueryTimeout)
	}
	return c, nil
}

// store is how the store is kept.
func (c Config) store() store.Options {
	return store.Options{
		Retention:   store.Retention{Exchanges: c.Retention, Bodies: c.BodyRetention, Messages: c.MessageRetention, Counts: c.CountRetention},
		Limits:      store.Limits{Time: c.QueryTimeout, Rows: c.QueryRows, Bytes: c.QueryBytes},
		Cluster:     c.Cluster,
		NoTextIndex: c.NoTextIndex,
		ByteLimit:   c.DiskLimit,
	}
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
