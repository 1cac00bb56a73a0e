package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"sluice.dev/platform/clickhouse/embedded/engine"
	"sluice.dev/platform/clickhouse/embedded/native"
)

// ServerConfig is what the child process needs to serve the engine.
type ServerConfig struct {
	DataDir     string // where the tables are; made if missing
	Listen      string // "host:port" on the loopback interface, or "unix:/path"
	LibraryPath string // empty: Library finds it
	CacheDir    string // where the check of the library is remembered; empty: DataDir
	MaxMemory   uint64 // bytes; 0: engine.DefaultMaxMemory
	Password    string // what clients must present; empty: none
	Log         *slog.Logger

	listener net.Listener // from the parent
	parent   io.Reader    // ends when the parent stops the child or dies
	status   io.Writer    // where the parent waits for "ready" or an error
}

// Serve runs the engine on the data directory and serves it until ctx ends;
// running queries then get a few seconds to finish. It can be called once in
// the life of a process.
//
// It fails when the library is missing or not the expected one, and when
// another process uses the directory.
func Serve(ctx context.Context, config ServerConfig) error {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if config.parent != nil {
		go func() {
			_, _ = io.Copy(io.Discard, config.parent) // ends with the parent
			cancel()
		}()
	}
	err := serve(ctx, config)
	if err != nil {
		config.report("error: " + err.Error())
	}
	return err
}

func serve(ctx context.Context, config ServerConfig) error {
	if config.DataDir == "" {
		return errors.New("the embedded ClickHouse needs a data directory")
	}
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return fmt.Errorf("making the ClickHouse data directory: %w", err)
	}
	release, err := lockDirectory(config.DataDir)
	if err != nil {
		return err
	}
	defer release()
	e, err := config.openEngine(ctx)
	if err != nil {
		return err
	}
	server, err := native.New(e, config.Password, config.Log)
	if err != nil {
		return err
	}
	listener, err := config.listen()
	if err != nil {
		return err
	}
	config.report("ready")
	config.Log.Info("the embedded ClickHouse is ready", "address", listener.Addr().String(), "directory", config.DataDir)
	return errors.Join(server.Serve(ctx, listener), e.Close())
}

func (c ServerConfig) openEngine(ctx context.Context) (*engine.Engine, error) {
	path := c.LibraryPath
	if path == "" {
		var err error
		if path, err = Library(ctx); err != nil {
			return nil, err
		}
	}
	cache := c.CacheDir
	if cache == "" {
		cache = c.DataDir
	}
	if err := verifyLibrary(path, cache); err != nil {
		return nil, err
	}
	return engine.Open(engine.Options{LibraryPath: path, DataDir: c.DataDir, MaxMemory: c.MaxMemory})
}

func (c ServerConfig) listen() (net.Listener, error) {
	if c.listener != nil {
		return c.listener, nil
	}
	network, address := "tcp", c.Listen
	if path, ok := strings.CutPrefix(c.Listen, "unix:"); ok {
		network, address = "unix", path
	} else if err := checkLoopback(c.Listen); err != nil {
		return nil, err
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("the embedded ClickHouse can't listen on %s: %w", c.Listen, err)
	}
	return listener, nil
}

// checkLoopback refuses addresses that other machines can reach: the server
// knows one password and no users or TLS.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("the embedded ClickHouse's address %q is not host:port: %w", address, err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("the embedded ClickHouse listens on the loopback interface only, such as 127.0.0.1:9000, and not on %q", address)
}

func (c ServerConfig) report(status string) {
	if c.status != nil {
		_, _ = fmt.Fprintln(c.status, strings.ReplaceAll(status, "\n", " ")) // a parent that is gone needs no report
	}
}
