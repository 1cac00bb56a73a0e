// Package embedded runs the real ClickHouse engine next to the gateway for
// people who don't want to run a ClickHouse server: the engine is a shared
// library, loaded by a child process that serves ClickHouse's native protocol
// on the loopback interface. A crash of the engine ends the child alone, which
// is started again on the same address.
//
// To the store it is a ClickHouse like any other, behind a DSN. It is not
// meant to be reached from other machines.
package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// LibraryEnv names the variable that says where the engine's library is.
const LibraryEnv = "SLUICE_CHDB_LIBRARY"

// LibraryVersion is the release of the engine's library that this program is
// built for.
const LibraryVersion = "26.7.3-stable.1"

// Library finds the engine's library: the file that SLUICE_CHDB_LIBRARY names,
// lib/libchdb.so next to the program, or what `make setup` installed in the
// checkout that holds the program or the current directory.
func Library(ctx context.Context) (string, error) {
	if path := os.Getenv(LibraryEnv); path != "" {
		if !isFile(path) {
			return "", fmt.Errorf("%s names %s, which is not a file", LibraryEnv, path)
		}
		return path, nil
	}
	for _, directory := range searchDirectories() {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		for _, pattern := range []string{
			"lib/libchdb.so",
			"build-deps/chdb/node_modules/@chdb/" + packageName() + "/libchdb.so",
		} {
			if path := filepath.Join(directory, pattern); isFile(path) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("the embedded ClickHouse needs the library libchdb.so (%s, version %s), which is not installed: "+
		"run `make setup`, or set %s to its path, or use a ClickHouse server with --clickhouse", packageName(), LibraryVersion, LibraryEnv)
}

// packageName is the npm package with the library for this platform.
func packageName() string {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	if runtime.GOOS == "linux" {
		return "lib-linux-" + arch + "-gnu"
	}
	return "lib-" + runtime.GOOS + "-" + arch
}

// searchDirectories are the program's and the current directory, each with
// all that are above it.
func searchDirectories() []string {
	var starts []string
	if executable, err := os.Executable(); err == nil {
		if resolved, err := filepath.EvalSymlinks(executable); err == nil {
			executable = resolved
		}
		starts = append(starts, filepath.Dir(executable))
	}
	if current, err := os.Getwd(); err == nil {
		starts = append(starts, current)
	}
	var directories []string
	for _, directory := range starts {
		for {
			directories = append(directories, directory)
			parent := filepath.Dir(directory)
			if parent == directory {
				break
			}
			directory = parent
		}
	}
	return directories
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
