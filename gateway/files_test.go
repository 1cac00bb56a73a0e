package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	s := start(t, nil)
	resp, err := http.Get(s.gateway.URL() + "/api/v1/exchanges:export?format=EXPORT_FORMAT_NDJSON&include_bodies=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "{}\n{}\n" {
		t.Errorf("the file is %q, %v", body, err)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/x-ndjson", "Sluice-Total": "2", "Content-Disposition": `attachment; filename="x.ndjson"`,
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestFileThatBreaksOff(t *testing.T) {
	s := start(t, nil)
	resp, err := http.Get(s.gateway.URL() + "/api/v1/exchanges:export?format=EXPORT_FORMAT_NDJSON&filter=broken")
	if err != nil {
		return // it broke off before anything was sent
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("a file that broke off came whole: %q", body)
	}
}

func TestFileThatIsRefused(t *testing.T) {
	s := start(t, nil)
	for query, field := range map[string]string{"filter=wrong": "filter", "fromat=x": "fromat"} {
		got := s.call("GET", "/api/v1/exchanges:export?format=EXPORT_FORMAT_NDJSON&"+query, "")
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %+v", query, got)
		}
	}
}
