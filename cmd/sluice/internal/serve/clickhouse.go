package serve

import (
	"context"
	"os"
	"path/filepath"

	"sluice.dev/platform/clickhouse/embedded"
	"sluice.dev/platform/telemetry"
)

// ClickHouse is the command that runs the embedded engine: as the child of
// `sluice up`, which then hands everything over, or by hand.
type ClickHouse struct {
	Telemetry telemetry.Config `embed:""`
	Listen    string           `help:"Loopback address of the native protocol." default:"127.0.0.1:9000"`
	Data      string           `help:"Data directory." default:".sluice/clickhouse" type:"path"`
	MaxMemory uint64           `help:"Memory that the engine may use, in bytes; 0 lets it choose."`
}

// Run serves the engine until ctx ends.
func (c *ClickHouse) Run(ctx context.Context) error {
	tel, err := telemetry.New(ctx, "clickhouse", c.Telemetry)
	if err != nil {
		return err
	}
	cfg, child, err := embedded.Handover()
	if err != nil {
		return err
	}
	if !child {
		cfg = embedded.ServerConfig{DataDir: c.Data, Listen: c.Listen, MaxMemory: c.MaxMemory}
	}
	cfg.Log, cfg.CacheDir = tel.Log, LibraryCache(cfg.CacheDir)
	return embedded.Serve(ctx, cfg)
}

// LibraryCache is where the check of the engine's library is remembered, so that
// each further start saves the hashing of half a gigabyte.
func LibraryCache(given string) string {
	if given != "" {
		return given
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "" // then the data directory remembers it
	}
	return filepath.Join(dir, "sluice")
}
