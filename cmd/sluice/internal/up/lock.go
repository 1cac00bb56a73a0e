package up

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock makes sure that one process alone uses the data directory. The lock goes
// with the process, however it ends.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("another sluice uses %s: stop it, or give --data another directory", dir)
	}
	return func() { _ = f.Close() }, nil
}
