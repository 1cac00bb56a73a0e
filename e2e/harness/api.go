package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// API is a REST client as a user would write one.
type API struct {
	Base string // http://host:port
	Key  string // API key; may be empty
}

// Failure is the one error shape of the REST API.
type Failure struct {
	Code       string `json:"code"`
	Reason     string `json:"reason"`
	Message    string `json:"message"`
	Status     int    `json:"status"`
	Violations []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Code    string `json:"code"`
	} `json:"violations"`
}

// Error is the text for people.
func (f *Failure) Error() string { return fmt.Sprintf("%d %s: %s", f.Status, f.Reason, f.Message) }

var client = &http.Client{Timeout: 40 * time.Second}

// Do calls the API; in and out are JSON and may be nil. A failure is a *Failure.
func (a API) Do(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, a.Base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.Key != "" {
		req.Header.Set("Authorization", "Bearer "+a.Key)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 400 {
		return failure(res.StatusCode, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

func failure(status int, raw []byte) error {
	var wrapped struct {
		Error *Failure `json:"error"`
	}
	if err := json.Unmarshal(raw, &wrapped); err != nil || wrapped.Error == nil {
		return fmt.Errorf("status %d with a body that is not the error shape: %s", status, raw)
	}
	return wrapped.Error
}

// Must is Do that ends the test on a failure.
func (a API) Must(t testing.TB, method, path string, in, out any) {
	t.Helper()
	if err := a.Do(method, path, in, out); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

// Object is JSON whose shape the test knows.
type Object = map[string]any

// At is the value at a dotted path, or nil.
func At(o any, path string) any {
	for _, name := range strings.Split(path, ".") {
		m, ok := o.(map[string]any)
		if !ok {
			return nil
		}
		o = m[name]
	}
	return o
}

// Exchanges lists what matches filter, newest first.
func (a API) Exchanges(filter string) ([]Object, error) {
	var page struct {
		Exchanges []Object `json:"exchanges"`
	}
	err := a.Do("GET", "/api/v1/exchanges?limit=1000&filter="+url.QueryEscape(filter), nil, &page)
	return page.Exchanges, err
}
