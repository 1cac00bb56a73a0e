package route_test

import (
	"testing"

	"sluice.dev/services/proxy/internal/route"
)

func table(t testing.TB, urls ...string) *route.Table[string] {
	t.Helper()
	tab := route.New[string]()
	for _, u := range urls {
		a, err := route.ParseURL(u)
		if err != nil {
			t.Fatal(err)
		}
		if err := tab.Add(a, u); err != nil {
			t.Fatal(err)
		}
	}
	return tab
}

func TestFind(t *testing.T) {
	tab := table(t,
		"https://api.example.com", "http://api.example.com", "https://api.example.com:8444",
		"https://*.example.com", "https://*.eu.example.com", "https://*.example.com:9000", "http://[::1]:8080", "http://10.0.0.1",
	)
	tests := []struct{ scheme, host, port, want string }{
		{"https", "api.example.com", "443", "https://api.example.com"},
		{"https", "API.Example.COM.", "443", "https://api.example.com"},
		{"https", "api.example.com:443", "443", "https://api.example.com"},
		{"http", "api.example.com:80", "80", "http://api.example.com"},
		{"https", "api.example.com:8444", "8443", "https://api.example.com:8444"},
		{"https", "api.example.com:8443", "8443", "https://api.example.com"},
		{"https", "api.example.com:8443", "9999", ""},
		{"https", "x.example.com", "443", "https://*.example.com"},
		{"https", "a.b.example.com", "443", "https://*.example.com"},
		{"https", "a.eu.example.com", "443", "https://*.eu.example.com"},
		{"https", "eu.example.com", "443", "https://*.example.com"},
		{"https", "x.example.com:9000", "9000", "https://*.example.com:9000"},
		{"https", "example.com", "443", ""},
		{"http", "x.example.com", "80", ""},
		{"http", "[::1]:8080", "8080", "http://[::1]:8080"},
		{"http", "10.0.0.1:8080", "8080", "http://10.0.0.1"},
		{"http", "", "80", ""},
	}
	for _, tt := range tests {
		got, ok := tab.Find(tt.scheme, tt.host, tt.port)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("Find(%s, %s, listener %s) = %q, %t; want %q", tt.scheme, tt.host, tt.port, got, ok, tt.want)
		}
	}
}

func TestAddressesMustBeUniqueAndWellFormed(t *testing.T) {
	tab := table(t, "https://a.example")
	same, err := route.ParseURL("https://A.example:443/")
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Add(same, "x"); err == nil {
		t.Error("the same address was added twice")
	}
	for _, bad := range []string{"", "ftp://x", "https://", "https://a.*.b", "https://*", "://", "https://*.*.b"} {
		if a, err := route.ParseURL(bad); err == nil {
			t.Errorf("ParseURL(%q) = %+v", bad, a)
		}
	}
}

func FuzzFind(f *testing.F) {
	tab := table(f, "https://a.example", "https://*.b.example")
	for _, s := range []string{"a.example", "x.b.example:443", "[::1]:1", ":", "a:b:c", "]", "[", "."} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, host string) { tab.Find("https", host, "443") })
}

func BenchmarkFindWildcard(b *testing.B) {
	tab := table(b, "https://*.example.com", "https://api.example.com")
	b.ReportAllocs()
	for b.Loop() {
		tab.Find("https", "a.b.example.com:443", "443")
	}
}
