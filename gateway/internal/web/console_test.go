package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"sluice.dev/gateway/internal/web"
)

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func serve(t *testing.T, files fstest.MapFS) http.Handler {
	t.Helper()
	h, err := web.Console(files)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestScriptsAreCompressed(t *testing.T) {
	h := serve(t, fstest.MapFS{"assets/a.js": {Data: []byte(strings.Repeat("run();", 1000))}})
	r := httptest.NewRequest("GET", "/assets/a.js", nil)
	r.Header.Set("Accept-Encoding", "gzip, br")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > 500 || !strings.Contains(w.Header().Get("Content-Type"), "javascript") {
		t.Errorf("%d bytes, %v", w.Body.Len(), w.Header())
	}
	if got := get(h, "GET", "/assets/a.js"); got.Body.Len() != 6000 || got.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("%d bytes, %v", got.Body.Len(), got.Header())
	}
}

func TestConsole(t *testing.T) {
	h := serve(t, fstest.MapFS{
		"index.html":         {Data: []byte("<html>console %STYLE_NONCE%</html>")},
		"assets/app-1a2b.js": {Data: []byte("run()")},
		"icon.svg":           {Data: []byte("<svg/>")},
	})
	for _, c := range []struct {
		method, path  string
		status        int
		body, caching string
	}{
		{"GET", "/", 200, "console", "no-cache"},
		{"GET", "/index.html", 200, "console", "no-cache"},
		{"GET", "/traffic/ex_1", 200, "console", "no-cache"},
		{"GET", "/assets/app-1a2b.js", 200, "run()", "public, max-age=31536000, immutable"},
		{"GET", "/assets/app-old.js", 404, "no such file", ""},
		{"GET", "/icon.svg", 200, "<svg/>", "no-cache"},
		{"POST", "/", 405, "", ""},
	} {
		got := get(h, c.method, c.path)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.body) || got.Header().Get("Cache-Control") != c.caching {
			t.Errorf("%s %s: %d %q %q", c.method, c.path, got.Code, got.Body, got.Header().Get("Cache-Control"))
		}
	}
	page := get(h, "GET", "/")
	nonce := strings.TrimSuffix(strings.TrimPrefix(page.Body.String(), "<html>console "), "</html>")
	if csp := page.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "'nonce-"+nonce+"'") || len(nonce) < 16 {
		t.Errorf("policy %q for nonce %q", csp, nonce)
	}
	if strings.Contains(get(h, "GET", "/").Body.String(), nonce) {
		t.Error("the nonce is always the same")
	}
}

func TestConsoleThatWasNotBuilt(t *testing.T) {
	got := get(serve(t, fstest.MapFS{".gitkeep": {}}), "GET", "/")
	if got.Code != 200 || !strings.Contains(got.Body.String(), "make console") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}
