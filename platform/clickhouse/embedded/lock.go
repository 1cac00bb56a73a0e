package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const lockFile = "sluice.lock"

// lockDirectory makes sure that no other process uses the data directory: the
// engine itself fails without a word when one does. The lock ends with the
// process, however it ends.
func lockDirectory(directory string) (release func(), err error) {
	path := filepath.Join(directory, lockFile)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner, _ := io.ReadAll(file) // only makes the message better
		file.Close()
		return nil, fmt.Errorf("the ClickHouse data directory %s is in use by process %s: stop that process or use another directory",
			directory, strings.TrimSpace(string(owner)))
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("locking the data directory %s: %w", directory, err)
	}
	if err := file.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(file, os.Getpid()) // for the message of the next process that comes
	}
	return func() { file.Close() }, nil
}
