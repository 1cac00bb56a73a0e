package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// compressed holds the console's scripts and styles in gzip, made once: they are
// a quarter of the size.
type compressed map[string][]byte

func compress(files fs.FS) (compressed, error) {
	out := compressed{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".js") && !strings.HasSuffix(name, ".css") {
			return err
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(raw); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		out[name] = packed.Bytes()
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("compress the console: %w", err)
	}
	return out, nil
}

// serve answers with the compressed file, if there is one and the client takes it.
func (c compressed) serve(w http.ResponseWriter, r *http.Request, name string) bool {
	packed, ok := c[name]
	if !ok {
		return false
	}
	w.Header().Add("Vary", "Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return false
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(packed) // the client went away: nobody is left to tell
	return true
}
