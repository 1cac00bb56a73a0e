package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice.dev/e2e/harness"
)

// Bad input gets a clear error and changes nothing.
func TestBadInput(t *testing.T) {
	sys := harness.Up(t)
	url := open(t, sys, "")
	t.Run("policy", func(t *testing.T) { badPolicies(t, sys) })
	t.Run("REST", func(t *testing.T) { badREST(t, sys) })
	t.Run("HTTP", func(t *testing.T) { badHTTP(t, sys, url) })
}

func badPolicies(t *testing.T, sys *harness.System) {
	var page struct{ Endpoints []harness.Object }
	sys.API.Must(t, "GET", "/api/v1/endpoints", nil, &page)
	var before harness.Object
	for _, e := range page.Endpoints {
		if e["url"] == "http://open.localhost" {
			before = e
		}
	}
	path := "/api/v1/endpoints/" + before["id"].(string)
	for name, c := range map[string]struct {
		policy string
		line   int
		text   string
	}{
		"unknown field":    {"on_http_request:\n  - actions:\n      - type: deny\n        config:\n          status: 404\n", 5, "status"},
		"wrong phase":      {"on_http_response:\n  - actions:\n      - type: rate-limit\n        config: {name: a, algorithm: sliding_window, capacity: 1, rate: 1m, bucket_key: [conn.client_ip]}\n", 3, "on_http_response"},
		"bad expression":   {"on_http_request:\n  - expressions:\n      - \"req.method ==\"\n    actions: [{type: deny}]\n", 3, "ends too early"},
		"unknown variable": {"on_http_request:\n  - expressions:\n      - req.path == '/x'\n    actions: [{type: deny}]\n", 3, "path"},
	} {
		t.Run(name, func(t *testing.T) {
			err := sys.API.Do("PATCH", path, harness.Object{"traffic_policy": c.policy}, nil)
			var f *harness.Failure
			if !errors.As(err, &f) || f.Status != 400 || len(f.Violations) == 0 {
				t.Fatalf("got %v", err)
			}
			v := f.Violations[0]
			if v.Line != c.line || v.Column == 0 || !strings.Contains(v.Message+v.Hint, c.text) || v.Code == "" {
				t.Errorf("line %d column %d code %s: %s (%s)", v.Line, v.Column, v.Code, v.Message, v.Hint)
			}
			if v.Hint == "" {
				t.Errorf("no hint: %s", v.Message)
			}
			fileError(t, c.policy, c.line)
			var after harness.Object
			sys.API.Must(t, "GET", path, nil, &after)
			if after["revision"] != before["revision"] || after["traffic_policy"] != before["traffic_policy"] {
				t.Error("a refused policy changed the endpoint")
			}
		})
	}
}

// fileError checks the same policy as a file: file:line:column.
func fileError(t *testing.T, policy string, line int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(harness.Binary(t), "policy", "validate", file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), fmt.Sprintf("%s:%d:", file, line)) {
		t.Errorf("policy validate: %v\n%s", err, out)
	}
}

func badREST(t *testing.T, sys *harness.System) {
	for name, c := range map[string]struct {
		method, path string
		body         any
		status       int
		text         string
	}{
		"unknown field":     {"POST", "/api/v1/endpoints", harness.Object{"url": "https://x.localhost", "upstrem": "y"}, 400, "upstrem"},
		"unknown parameter": {"GET", "/api/v1/exchanges?filtre=x", nil, 400, "filtre"},
		"bad filter":        {"GET", "/api/v1/exchanges?filter=%40http.status_code%3Aabc", nil, 400, "abc"},
		"unknown route":     {"GET", "/api/v1/nothing", nil, 404, "nothing"},
		"unknown id":        {"GET", "/api/v1/exchanges/ex_01JDFQ2Z3B4C5D6E7F8G9H0JKM", nil, 404, "ex_01JDFQ2Z3B4C5D6E7F8G9H0JKM"},
		"URL taken":         {"POST", "/api/v1/endpoints", harness.Object{"url": "http://open.localhost", "upstream": harness.Object{"url": "http://localhost:1"}}, 409, "open.localhost"},
		"bad URL":           {"POST", "/api/v1/endpoints", harness.Object{"url": "ftp://x", "upstream": harness.Object{"url": "http://localhost:1"}}, 400, "ftp"},
	} {
		t.Run(name, func(t *testing.T) {
			err := sys.API.Do(c.method, c.path, c.body, nil)
			var f *harness.Failure
			if !errors.As(err, &f) || f.Status != c.status || !strings.Contains(fmt.Sprint(f.Message, f.Violations), c.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func badHTTP(t *testing.T, sys *harness.System, url string) {
	host := strings.TrimPrefix(url, "http://")
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"malformed request line": {"GET /x\r\nHost: " + host + "\r\n\r\n", 400},
		"no host":                {"GET / HTTP/1.1\r\n\r\n", 400},
		"bad header":             {"GET / HTTP/1.1\r\nHost: " + host + "\r\nBad Name: x\r\n\r\n", 400},
		"oversized head":         {"GET / HTTP/1.1\r\nHost: " + host + "\r\nX-Big: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", 431},
		"unknown host":           {"GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n", 404},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", sys.Proxies[0].HTTP)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() { _, _ = conn.Write([]byte(c.request)) }() // the answer may come before all is written
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != c.status {
				t.Errorf("status %d, want %d", res.StatusCode, c.status)
			}
		})
	}
}

// Whoever may reach the gateway from outside needs a key with the right scope.
func TestKeys(t *testing.T) {
	sys := harness.Up(t, "--require-keys")
	wrong := harness.API{Base: sys.API.Base, Key: "sk_wrong"}
	var f *harness.Failure
	if err := wrong.Do("GET", "/api/v1/endpoints", nil, nil); !errors.As(err, &f) || f.Status != 401 {
		t.Errorf("a wrong key: %v", err)
	}
	if err := sys.API.Do("GET", "/api/v1/endpoints", nil, nil); !errors.As(err, &f) || f.Status != 401 {
		t.Errorf("no key: %v", err)
	}
	token, err := os.ReadFile(filepath.Join(sys.Data, "bootstrap.key"))
	if err != nil {
		t.Fatal(err)
	}
	admin := harness.API{Base: sys.API.Base, Key: strings.TrimSpace(string(token))}
	sys.API = admin // the harness asks with it at the end
	var made struct{ Token string }
	admin.Must(t, "POST", "/api/v1/api-keys", harness.Object{"scope": "SCOPE_READ"}, &made)
	reader := harness.API{Base: sys.API.Base, Key: made.Token}
	reader.Must(t, "GET", "/api/v1/endpoints", nil, nil)
	err = reader.Do("POST", "/api/v1/endpoints", harness.Object{"url": "https://x.localhost"}, nil)
	if !errors.As(err, &f) || f.Status != 403 || !strings.Contains(f.Message, "write") {
		t.Errorf("a read key that writes: %v", err)
	}
}

// What listens beyond loopback without keys refuses to start.
func TestRefusesToListenWiderWithoutKeys(t *testing.T) {
	for name, args := range map[string][]string{
		"gateway": {"serve", "gateway", "--listen", "0.0.0.0:0", "--no-require-keys"},
		"policy":  {"serve", "policy", "--grpc-listen", "0.0.0.0:0"},
		"up":      {"up", "--data", t.TempDir(), "--console", "0.0.0.0:0"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command(harness.Binary(t), args...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "key") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
