// Package clickhouse opens a ClickHouse and brings its tables up to date. It
// is the same for a server, a cluster and the embedded engine: all are a DSN.
// Queries and tables belong to the services that own them.
//
// The SQL of Sluice keeps to what ClickHouse 24.8 knows: the embedded engine
// is newer than many servers.
package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/errs"
)

// DefaultDatabase is used when a DSN names none.
const DefaultDatabase = "sluice"

const (
	dialTimeout     = 5 * time.Second
	readTimeout     = 2 * time.Minute
	maxOpenConns    = 16
	maxIdleConns    = 8
	connMaxLifetime = time.Hour

	readyTimeout  = 30 * time.Second // how long Open waits when ctx sets no earlier end
	retryInterval = 250 * time.Millisecond
	attemptLimit  = 10 * time.Second // one attempt to connect
)

// Codes of ClickHouse's errors that Open acts on.
const (
	codeUnknownDatabase = 81
	codeTooManyQueries  = 202
)

// Config says which ClickHouse to open.
type Config struct {
	// DSN is clickhouse://user:password@host:9000/database?option=value with
	// the options of clickhouse-go v2. A database that doesn't exist is made.
	DSN string
}

// Open connects to the ClickHouse of the DSN. See [Config.Open].
func Open(ctx context.Context, dsn string, log *slog.Logger) (driver.Conn, error) {
	return Config{DSN: dsn}.Open(ctx, log)
}

// Open connects and waits until the server answers, for 30 seconds or until ctx
// ends, whichever is earlier. A server that answers with a refusal, such as a
// wrong password, ends the waiting at once. The connection is a pool of up to
// 16, for use by many goroutines, and must be closed.
func (c Config) Open(ctx context.Context, log *slog.Logger) (driver.Conn, error) {
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for waiting := false; ; waiting = true {
		conn, err := connect(ctx, options)
		if err == nil {
			return conn, nil
		}
		if refused(err) {
			return nil, errs.Unavailable("ClickHouse at %s refused the connection", strings.Join(options.Addr, ", ")).Because(err)
		}
		if !waiting && log != nil {
			log.Info("waiting for ClickHouse", "address", options.Addr, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, errs.Unavailable("ClickHouse at %s did not answer in time", strings.Join(options.Addr, ", ")).Because(err)
		case <-time.After(retryInterval):
		}
	}
}

func (c Config) options() (*clickhouse.Options, error) {
	options, err := clickhouse.ParseDSN(c.DSN)
	if err != nil {
		return nil, errs.Invalid("the ClickHouse DSN is not of the form clickhouse://user:password@host:9000/database").Because(err)
	}
	if options.Auth.Database == "" || options.Auth.Database == "default" {
		options.Auth.Database = DefaultDatabase
	}
	orDefault(&options.DialTimeout, dialTimeout)
	orDefault(&options.ReadTimeout, readTimeout)
	orDefault(&options.MaxOpenConns, maxOpenConns)
	orDefault(&options.MaxIdleConns, maxIdleConns)
	orDefault(&options.ConnMaxLifetime, connMaxLifetime)
	if options.Compression == nil && !onThisMachine(options.Addr) {
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	// With asynchronous inserts a server acknowledges rows that it may yet
	// lose, and duplicates of a retried batch aren't recognised.
	options.Settings["async_insert"] = 0
	return options, nil
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

func onThisMachine(addresses []string) bool {
	for _, address := range addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = address
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// connect opens the database, which it makes first if it is missing.
func connect(ctx context.Context, options *clickhouse.Options) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	conn, err := dial(ctx, options)
	if code(err) != codeUnknownDatabase {
		return conn, err
	}
	if err := createDatabase(ctx, options); err != nil {
		return nil, err
	}
	return dial(ctx, options)
}

func dial(ctx context.Context, options *clickhouse.Options) (driver.Conn, error) {
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, err
	}
	if err := conn.Ping(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func createDatabase(ctx context.Context, options *clickhouse.Options) error {
	admin := *options
	admin.Auth.Database = ""
	conn, err := dial(ctx, &admin)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Named, because the embedded engine's default is another kind.
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quoteName(options.Auth.Database)+" ENGINE = Atomic"); err != nil {
		return fmt.Errorf("creating the database %s: %w", options.Auth.Database, err)
	}
	return nil
}

func quoteName(name string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(name) + "`"
}

// code is the server's error code in err, or 0.
func code(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}

// refused reports whether the server itself said no and waiting won't help.
func refused(err error) bool { return code(err) != 0 && code(err) != codeTooManyQueries }
