package demoapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice.dev/cmd/sluice/internal/demoapi"
)

func TestAnswers(t *testing.T) {
	srv := httptest.NewServer(demoapi.Handler())
	defer srv.Close()
	for _, c := range []struct {
		method, path, body, contentType string
		status                          int
		want                            string
	}{
		{"GET", "/", "", "", 200, "Demo API"},
		{"GET", "/api/products", "", "", 200, "Penstock"},
		{"GET", "/api/products/9", "", "", 404, "no such product"},
		{"POST", "/api/orders", `{"product_id":2,"quantity":2}`, "application/json", 201, `"total":698`},
		{"POST", "/api/orders", `{"product_id":2}`, "application/json", 422, "quantity"},
		{"POST", "/login", "user=demo&password=sluice", "application/x-www-form-urlencoded", 200, "welcome"},
		{"POST", "/login", `{"user":"demo","password":"guess"}`, "application/json", 401, "wrong"},
		{"GET", "/slow?ms=1", "", "", 200, "waited_ms"},
		{"GET", "/fail", "", "", 500, "failed"},
		{"GET", "/fail?status=503", "", "", 503, "failed"},
		{"GET", "/stream?events=3&ms=1", "", "", 200, "id: 2"},
		{"PUT", "/echo?a=b", "hello", "text/plain", 200, `"body":"hello"`},
	} {
		req, err := http.NewRequest(c.method, srv.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", c.contentType)
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != c.status || !strings.Contains(string(raw), c.want) {
			t.Errorf("%s %s: %d %s %v, want %d with %q", c.method, c.path, res.StatusCode, raw, err, c.status, c.want)
		}
	}
}

func TestLargeIsExactlyAsLong(t *testing.T) {
	srv := httptest.NewServer(demoapi.Handler())
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL + "/large?bytes=100001")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil || n != 100001 {
		t.Errorf("%d bytes, %v", n, err)
	}
}
