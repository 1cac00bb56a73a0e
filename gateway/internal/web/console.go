package web

import (
	"bytes"
	"crypto/rand"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// policy is the Content-Security-Policy of the console: it loads and calls
// nothing but this gateway, and recorded content can at most be shown as an image.
// NONCE lets its editor, which writes its styles itself, do so.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-NONCE'; connect-src 'self'; font-src 'self'; " +
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// noncePlace is where index.html has the nonce of the page for its scripts.
var noncePlace = []byte("%STYLE_NONCE%")

// noConsole is shown when the binary was built without the console.
const noConsole = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sluice</title></head>
<body><h1>The console is not built in</h1>
<p>Run <code>make console</code>, then build Sluice again. The API works without it: see <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
</body></html>
`

// Console serves the built console: files by name, and index.html for every
// other path, because the console's views have URLs of their own.
func Console(files fs.FS) (http.Handler, error) {
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		index = []byte(noConsole)
	}
	assets := http.FileServerFS(files)
	packed, err := compress(files)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "The console takes GET and HEAD only.", http.StatusMethodNotAllowed)
			return
		}
		nonce := rand.Text()
		secure(w.Header(), nonce)
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if info, err := fs.Stat(files, name); err == nil && !info.IsDir() && name != "index.html" {
			w.Header().Set("Cache-Control", caching(name))
			if !packed.serve(w, r, name) {
				assets.ServeHTTP(w, r)
			}
			return
		}
		if strings.HasPrefix(name, "assets/") {
			http.Error(w, "There is no such file.", http.StatusNotFound) // an old page after an upgrade: a script must not turn into HTML
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(bytes.ReplaceAll(index, noncePlace, []byte(nonce))) // the client went away: nobody is left to tell
	}), nil
}

func secure(h http.Header, nonce string) {
	h.Set("Content-Security-Policy", strings.Replace(policy, "NONCE", nonce, 1))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// caching: the build names assets by their content.
func caching(name string) string {
	if strings.HasPrefix(name, "assets/") {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}
