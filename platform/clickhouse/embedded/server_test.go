package embedded_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"sluice.dev/platform/clickhouse/embedded"
	"sluice.dev/platform/testenv"
)

// TestServeOnAUnixSocket runs the engine in the test's own process: the only
// test of the package that does, because a process can do so once.
func TestServeOnAUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "sluice-unix-") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "clickhouse.sock")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- embedded.Serve(ctx, embedded.ServerConfig{DataDir: filepath.Join(dir, "data"), Listen: "unix:" + socket, Password: "secret", Log: quiet})
	}()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Auth: clickhouse.Auth{Username: "any", Password: "secret"},
		DialContext: func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, func() bool { return conn.Ping(ctx) == nil }, "the server answers on its socket")
	conn.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is left behind")
	}
}
