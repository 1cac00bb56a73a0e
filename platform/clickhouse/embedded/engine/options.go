package engine

import (
	"fmt"
	"os"
	"path/filepath"
)

// Options tunes the engine for a machine that it shares with the gateway; its
// own defaults are those of a dedicated server.
type Options struct {
	LibraryPath string // path of libchdb.so
	DataDir     string // directory of the tables; one process at a time may use it
	MaxMemory   uint64 // bytes that all queries together may hold; 0: DefaultMaxMemory
}

// DefaultMaxMemory bounds what the engine's queries and merges hold together.
const DefaultMaxMemory = 2 << 30

// config is the engine's configuration file. Inserts are synced to disk,
// because there is no replica that would have them after a power cut.
const config = `<clickhouse>
    <max_server_memory_usage>%d</max_server_memory_usage>
    <mark_cache_size>67108864</mark_cache_size>
    <index_mark_cache_size>16777216</index_mark_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
    <mmap_cache_size>128</mmap_cache_size>
    <max_thread_pool_free_size>16</max_thread_pool_free_size>
    <merge_tree>
        <fsync_after_insert>1</fsync_after_insert>
        <fsync_part_directory>1</fsync_part_directory>
    </merge_tree>
</clickhouse>
`

// prepare writes the configuration next to the tables and returns the
// arguments of every connection.
func (o Options) prepare() ([]string, error) {
	memory := o.MaxMemory
	if memory == 0 {
		memory = DefaultMaxMemory
	}
	dir := filepath.Join(o.DataDir, "tables")
	file := filepath.Join(o.DataDir, "config.xml")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the engine's directory: %w", err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, config, memory), 0o600); err != nil {
		return nil, fmt.Errorf("writing the engine's configuration: %w", err)
	}
	return []string{"clickhouse", "--path=" + dir, "--config-file=" + file}, nil
}
