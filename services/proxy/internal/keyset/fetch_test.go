package keyset_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/keyset"
)

func TestFetchKeys(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/keys", http.StatusFound)
		case "/keys":
			_, _ = w.Write([]byte(`{"keys":[]}`))
		case "/large":
			_, _ = w.Write([]byte(strings.Repeat(" ", trafficpolicy.MaxKeySet+1)))
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	f := keyset.NewFetcher()
	defer f.Close()
	for path, want := range map[string]string{"/keys": `{"keys":[]}`, "/moved": `{"keys":[]}`, "/large": "", "/none": ""} {
		got, err := f.FetchKeys(context.Background(), s.URL+path)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %.40q %v", path, got, err)
		}
	}
	if _, err := f.FetchKeys(context.Background(), "://hush:hush@x"); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("%v", err)
	}
}
