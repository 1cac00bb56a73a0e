package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// librarySums are the SHA-256 sums of libchdb.so at LibraryVersion, by platform.
var librarySums = map[string]string{
	"linux/amd64": "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5",
}

// verified records a library file whose sum was right, because hashing its
// half a gigabyte at every start would take seconds.
type verified struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Sum      string    `json:"sha256"`
}

const verifiedFile = "library.json" // in the cache directory

// verifyLibrary checks that path is the library this program is built for, or
// that it was when last checked and hasn't changed in size and time since.
func verifyLibrary(path, cacheDir string) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	want, ok := librarySums[platform]
	if !ok {
		return fmt.Errorf("the embedded ClickHouse is not available for %s: use a ClickHouse server with --clickhouse", platform)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("the ClickHouse library: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("the ClickHouse library: %w", err)
	}
	record := verified{Path: path, Size: info.Size(), Modified: info.ModTime().UTC(), Sum: want}
	cache := filepath.Join(cacheDir, verifiedFile)
	if data, err := os.ReadFile(cache); err == nil {
		var known verified
		if json.Unmarshal(data, &known) == nil && known == record {
			return nil
		}
	}
	sum, err := sumFile(path)
	if err != nil {
		return fmt.Errorf("checking the ClickHouse library: %w", err)
	}
	if sum != want {
		return fmt.Errorf("the ClickHouse library %s has the SHA-256 sum %s, and %s is expected (version %s): it is damaged or of another version; run `make setup`",
			path, sum, want, LibraryVersion)
	}
	return writeRecord(cache, record)
}

func sumFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{hash}, struct{ io.Reader }{file}, make([]byte, 1<<20)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// writeRecord replaces the file at once, because others may be reading it.
func writeRecord(path string, record verified) error {
	data, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("recording the check of the ClickHouse library: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), verifiedFile+"-*")
	if err != nil {
		return fmt.Errorf("recording the check of the ClickHouse library: %w", err)
	}
	_, err = file.Write(data)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
		return fmt.Errorf("recording the check of the ClickHouse library: %w", err)
	}
	return nil
}
