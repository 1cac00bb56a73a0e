package proxy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"sluice.dev/platform/spool"
)

// maxSpools is how many proxies may share one spool directory.
const maxSpools = 64

// openSpools opens this proxy's own spool, the first free one below dir, and
// then those that proxies which are gone left something in.
func openSpools(dir string, maxBytes int64) ([]*spool.Spool, error) {
	var spools []*spool.Spool
	for n := range maxSpools {
		path := filepath.Join(dir, strconv.Itoa(n))
		if _, err := os.Stat(path); err != nil && len(spools) > 0 {
			break // no proxy has used this one or any after it
		}
		s, err := spool.Open(path, spool.Options{MaxBytes: maxBytes})
		if errors.Is(err, spool.ErrLocked) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, closeSpools(spools))
		}
		if len(spools) > 0 && s.Stats().Items == 0 {
			if err := s.Close(); err != nil {
				return nil, errors.Join(err, closeSpools(spools))
			}
			continue
		}
		spools = append(spools, s)
	}
	if len(spools) == 0 {
		return nil, fmt.Errorf("%d proxies already use the spool directory %s", maxSpools, dir)
	}
	return spools, nil
}

func closeSpools(spools []*spool.Spool) error {
	var errs []error
	for _, s := range spools {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
