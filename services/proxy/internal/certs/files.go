package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sluice.dev/services/proxy/internal/filewatch"
)

// files are the operator's certificates. Reading goes on while they are read anew.
type files struct {
	pattern           string // "" for none
	certFile, keyFile string // "" for none
	log               *slog.Logger
	current           atomic.Pointer[shelf]
	mu                sync.Mutex // held while reading
	watch             filewatch.Watch
}

// open reads everything for the first time. The certificate for all names must be
// right: without it no connection could be served.
func (f *files) open(now time.Time) error {
	if f.pattern != "" {
		if _, err := f.list(); err != nil {
			return err
		}
	}
	f.current.Store(newShelf(nil, nil, now))
	if f.certFile != "" {
		if _, err := tls.LoadX509KeyPair(f.certFile, f.keyFile); err != nil {
			return fmt.Errorf("load the TLS certificate: %w", err)
		}
	}
	f.reload(now)
	if f.pattern != "" && len(f.current.Load().byFile) == 0 {
		f.log.Warn("no certificate with its key was found", "files", f.pattern)
	}
	return nil
}

// list is the paths that may hold certificates and keys, sorted.
func (f *files) list() ([]string, error) {
	info, err := os.Stat(f.pattern)
	if err == nil && info.IsDir() {
		return listDir(f.pattern)
	}
	paths, globErr := filepath.Glob(f.pattern)
	if globErr != nil || len(paths) == 0 && !strings.ContainsAny(f.pattern, "*?[") {
		return nil, fmt.Errorf("TLS certificates: %q is neither a directory nor a pattern of files: %w", f.pattern, errors.Join(err, globErr))
	}
	return paths, nil
}

// listDir looks one level deep, as tools that keep a directory for each name need.
func listDir(dir string) ([]string, error) {
	var out []string
	for _, pattern := range []string{"*", "*/*"} {
		paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		if err != nil {
			return nil, fmt.Errorf("TLS certificates: list %s: %w", dir, err)
		}
		out = append(out, paths...)
	}
	slices.Sort(out)
	return slices.DeleteFunc(out, func(p string) bool { return !mayHoldPEM(p) }), nil
}

var escaper = strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`)

func escapeGlob(s string) string { return escaper.Replace(s) }

// mayHoldPEM leaves out hidden files, such as half-written ones of other tools.
func mayHoldPEM(path string) bool {
	base := filepath.Base(path)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(filepath.Base(filepath.Dir(path)), "..") {
		return false
	}
	switch filepath.Ext(base) {
	case ".pem", ".crt", ".cer", ".cert", ".key":
		return true
	}
	return false
}

// reload reads the files if one has changed.
func (f *files) reload(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var paths []string
	if f.pattern != "" {
		var err error
		if paths, err = f.list(); err != nil {
			f.log.Error("the TLS certificates cannot be listed; those at hand stay", "error", err)
			return
		}
	}
	if !f.watch.Changed(append(slices.Clone(paths), f.certFile, f.keyFile)...) {
		return
	}
	old := f.current.Load()
	next := newShelf(f.read(paths, old), old.forAll, now)
	if f.certFile != "" {
		if pair, err := tls.LoadX509KeyPair(f.certFile, f.keyFile); err != nil {
			f.log.Error("the TLS certificate cannot be used; the one before stays", "file", f.certFile, "error", err)
		} else {
			next.forAll = &pair
		}
	}
	f.current.Store(next)
	f.log.Info("TLS certificates were read", "certificates", len(next.byFile), "names", len(next.byName))
}

// read makes pairs of certificates and keys, by the certificate's file. A file that
// is there and cannot be used keeps what it gave before.
func (f *files) read(paths []string, old *shelf) map[string]*tls.Certificate {
	var all []*content
	for _, p := range paths {
		c, err := readPEM(p)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoFile) {
			continue
		}
		if err != nil {
			c = &content{path: p, fault: err}
		}
		all = append(all, c)
	}
	keys := keysOf(all)
	out := map[string]*tls.Certificate{}
	for _, c := range all {
		pair, err := c.pair(keys)
		switch {
		case err != nil:
			f.log.Error("a file of TLS certificates cannot be used; what it held before stays in use", "file", c.path, "error", err)
			if before := old.byFile[c.path]; before != nil {
				out[c.path] = before
			}
		case pair != nil:
			out[c.path] = pair
		}
	}
	return out
}

// find is the certificate for a name; nil when only the local authority can make one.
func (f *files) find(name string, hello *tls.ClientHelloInfo) *tls.Certificate {
	return f.current.Load().find(name, hello)
}
