package endpoint

import (
	"strings"
	"testing"

	"sluice.dev/platform/errs"
)

func TestPublicURL(t *testing.T) {
	for raw, want := range map[string]string{
		"api.example.com":            "https://api.example.com",
		"HTTPS://API.Example.com/":   "https://api.example.com",
		"https://a.example:443":      "https://a.example",
		"http://a.example:80":        "http://a.example",
		"http://a.example:443":       "http://a.example:443",
		"https://a.example:0443":     "https://a.example",
		"\thttps://a.example:8443\n": "https://a.example:8443",
		"*.Example.com":              "https://*.example.com",
		"https://*.example.com:444":  "https://*.example.com:444",
		"localhost:8080":             "https://localhost:8080",
		"http://a.example.":          "http://a.example",
		"http://[::1]:8080":          "http://[::1]:8080",
		"http://127.0.0.1":           "http://127.0.0.1",
		"https://bücher.example":     "https://xn--bcher-kva.example",
		"my_api.internal":            "https://my_api.internal",
	} {
		got, err := publicURL(raw)
		if err != nil || got != want {
			t.Errorf("publicURL(%q) = %q, %v; want %q", raw, got, err, want)
		}
		if again, err := publicURL(got); err != nil || again != got {
			t.Errorf("publicURL(%q) = %q, %v: not stable", got, again, err)
		}
	}
}

func TestPublicURLRefuses(t *testing.T) {
	for raw, want := range map[string]string{
		"":                          "is empty",
		"tcp://a.example:22":        `scheme "tcp"`,
		"https://a.example/v1":      `path "/v1"`,
		"https://a.example?x=1":     "query",
		"https://a.example?":        "query",
		"https://a.example#x":       "fragment",
		"https://u:hunter2@a":       "user name",
		"https://a.*.example":       "wildcard",
		"https://*":                 "wildcard",
		"https://*.":                "wildcard",
		"https://a*.example":        "wildcard",
		"https://*.*.example":       "wildcard",
		"https://*.10.0.0.1":        "IP address",
		"https://a.example:70000":   "70000",
		"https://a.example:0":       "not a port",
		"https://-a.example":        "host name",
		"https://a..example":        "host name",
		"https://":                  "no host",
		"https://" + manyLabels(64): "characters",
		"http://a b":                "not a URL",
	} {
		_, err := publicURL(raw)
		e := errs.As(err)
		if e == nil || !strings.Contains(e.Message, want) || e.Violations[0].Field != "url" {
			t.Errorf("publicURL(%q): %v; want %q", raw, err, want)
		}
		if e != nil && strings.Contains(e.Message, "hunter2") {
			t.Errorf("the error tells the password: %v", e)
		}
	}
}

func manyLabels(n int) string { return strings.Repeat("abc.", n) + "example" }

func TestUpstreamURL(t *testing.T) {
	for raw, want := range map[string]string{
		"8080":                      "http://localhost:8080",
		"localhost:1234":            "http://localhost:1234",
		"api.internal":              "http://api.internal",
		"HTTP://Host:80/Base/Path/": "http://host/Base/Path",
		"https://h/a%2Fb":           "https://h/a%2Fb",
		"https://h:8443":            "https://h:8443",
	} {
		if got, err := upstreamURL("upstream.url", raw); err != nil || got != want {
			t.Errorf("upstreamURL(%q) = %q, %v; want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{"", "99999", "0", "ftp://h", "http://u@h", "http://h?x", "http://*.h", "http:///p", "unix:///x"} {
		if got, err := upstreamURL("upstream.url", raw); errs.As(err) == nil || errs.As(err).Violations[0].Field != "upstream.url" {
			t.Errorf("upstreamURL(%q) = %q, %v", raw, got, err)
		}
	}
}

func FuzzPublicURL(f *testing.F) {
	for _, s := range []string{"https://*.example.com:8443", "a", "http://[::1]", "https://bücher.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := publicURL(raw)
		if err != nil {
			if errs.As(err) == nil {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if again, err := publicURL(got); err != nil || again != got {
			t.Errorf("%q became %q, which becomes %q, %v", raw, got, again, err)
		}
	})
}
