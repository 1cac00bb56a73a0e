package keyset_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/outbound"
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
	f := keyset.NewFetcher(outbound.NewGuard(netip.MustParsePrefix("127.0.0.0/8")))
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

// TestFetchKeysOnlyWherePoliciesMayCall: a key set is no way into the gateway's own
// network.
func TestFetchKeysOnlyWherePoliciesMayCall(t *testing.T) {
	asked := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer s.Close()
	f := keyset.NewFetcher(outbound.NewGuard())
	defer f.Close()
	for _, url := range []string{s.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1)} {
		if _, err := f.FetchKeys(context.Background(), url); !errors.Is(err, trafficpolicy.ErrAddress) || asked {
			t.Errorf("%s: asked %t, %v", url, asked, err)
		}
	}
}
