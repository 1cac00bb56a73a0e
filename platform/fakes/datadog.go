package fakes

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// Limits of the Datadog Logs API v2.
const (
	datadogMaxBytes   = 5 << 20
	datadogMaxEntries = 1000
	datadogMaxEntry   = 1 << 20
)

// Datadog is a log intake of the Datadog Logs API v2. It wants the API key, at
// most 5 MB uncompressed and 1,000 entries per request, and a message in each.
type Datadog struct {
	server
	key     string
	entries []map[string]any
	batches []int
}

// NewDatadog starts an intake that takes logs with this API key.
func NewDatadog(key string) *Datadog {
	d := &Datadog{key: key}
	d.start(d.take)
	return d
}

// LogsURL is where logs are posted to.
func (d *Datadog) LogsURL() string { return d.URL() + "/api/v2/logs" }

// Entries are the accepted logs, oldest first, repeats included.
func (d *Datadog) Entries() []map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.entries)
}

// Batches are the numbers of logs of each accepted request.
func (d *Datadog) Batches() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.batches)
}

// Copies counts by event_id how often each event was accepted.
func (d *Datadog) Copies() map[string]int {
	counts := map[string]int{}
	for _, e := range d.Entries() {
		id, _ := e["event_id"].(string)
		counts[id]++
	}
	return counts
}

func (d *Datadog) take(w http.ResponseWriter, r *http.Request, body []byte) {
	status, text := d.check(r, body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func (d *Datadog) check(r *http.Request, body []byte) (int, string) {
	switch {
	case r.URL.Path != "/api/v2/logs":
		return http.StatusNotFound, `{"errors":["Not found"]}`
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, `{"errors":["Method not allowed"]}`
	case r.Header.Get("DD-API-KEY") == "":
		return http.StatusUnauthorized, datadogError(401, "Unauthorized", "API key is missing")
	case r.Header.Get("DD-API-KEY") != d.key:
		return http.StatusForbidden, datadogError(403, "Forbidden", "API key is invalid")
	case r.Header.Get("Content-Type") != "application/json":
		return http.StatusBadRequest, datadogError(400, "Bad Request", "content type is not application/json")
	}
	plain, err := inflate(r.Header.Get("Content-Encoding"), body)
	if err != nil {
		return http.StatusBadRequest, datadogError(400, "Bad Request", err.Error())
	}
	if len(plain) > datadogMaxBytes {
		return http.StatusRequestEntityTooLarge, datadogError(413, "Payload Too Large", "the payload is over 5 MB")
	}
	entries, err := datadogEntries(plain)
	if err != nil {
		return http.StatusBadRequest, datadogError(400, "Bad Request", err.Error())
	}
	if len(entries) > datadogMaxEntries {
		return http.StatusRequestEntityTooLarge, datadogError(413, "Payload Too Large", "more than 1000 logs")
	}
	d.entries = append(d.entries, entries...)
	d.batches = append(d.batches, len(entries))
	return http.StatusAccepted, "{}"
}

func datadogError(status int, title, detail string) string {
	return fmt.Sprintf(`{"errors":[{"status":"%d","title":%q,"detail":%q}]}`, status, title, detail)
}

func inflate(encoding string, body []byte) ([]byte, error) {
	switch encoding {
	case "":
		return body, nil
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("the body is not gzip: %w", err)
		}
		return io.ReadAll(io.LimitReader(r, maxBody))
	}
	return nil, fmt.Errorf("encoding %s is not known", encoding)
}

// datadogEntries reads an array of logs, or one log.
func datadogEntries(plain []byte) ([]map[string]any, error) {
	var raw []json.RawMessage
	if trimmed := bytes.TrimSpace(plain); len(trimmed) > 0 && trimmed[0] == '{' {
		raw = []json.RawMessage{trimmed}
	} else if err := json.Unmarshal(plain, &raw); err != nil {
		return nil, fmt.Errorf("not a JSON array of logs: %w", err)
	}
	entries := make([]map[string]any, len(raw))
	for i, one := range raw {
		if len(one) > datadogMaxEntry {
			return nil, fmt.Errorf("log %d is over 1 MB and would be cut", i)
		}
		if err := json.Unmarshal(one, &entries[i]); err != nil {
			return nil, fmt.Errorf("log %d is no object: %w", i, err)
		}
		for _, name := range []string{"ddsource", "ddtags", "hostname", "service", "message", "status"} {
			if v, ok := entries[i][name]; ok {
				if _, isText := v.(string); !isText {
					return nil, fmt.Errorf("log %d: %s is no text", i, name)
				}
			}
		}
		if _, ok := entries[i]["message"]; !ok {
			return nil, fmt.Errorf("log %d has no message", i)
		}
	}
	return entries, nil
}
