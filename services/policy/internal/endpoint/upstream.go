package endpoint

import (
	"strconv"
	"strings"
)

// upstreamURL is raw in full: "8080" means http://localhost:8080, a host without
// scheme means http. A path stays, without a slash at its end.
func upstreamURL(raw string) (string, error) {
	text := strings.TrimSpace(raw)
	if _, err := strconv.ParseUint(text, 10, 64); err == nil {
		text = "localhost:" + text
	}
	u, err := split("upstream.url", text, "http")
	if err != nil {
		return "", err
	}
	host, err := normalHost("upstream.url", u.Hostname())
	if err != nil {
		return "", err
	}
	base, err := assemble("upstream.url", u, host)
	if err != nil {
		return "", err
	}
	return base + strings.TrimRight(u.EscapedPath(), "/"), nil
}
