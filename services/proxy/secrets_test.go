package proxy_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/sealed"
	proxy "sluice.dev/services/proxy"
)

const planted = "planted/9f&4e2c"

func secret(id, value string) *policyv1.SecretValue {
	return &policyv1.SecretValue{Id: id, Vault: "v", Name: "n", Value: value}
}

// echo answers with what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("X-Token")
	w.Header().Set("X-Echo", "you sent "+token)
	var body io.Writer = w
	if r.URL.Query().Has("gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		body = z
	}
	fmt.Fprintf(body, `{"token": %q, "query": %q}`, token, r.URL.RawQuery)
}

const readsSecret = `
on_http_request:
  - expressions: ["req.url.path == '/answer'"]
    actions:
      - {type: custom-response, config: {status_code: 200, body: "it is ${secrets.get('v', 'n')}", headers: {x-made: "${secrets.get('v', 'n')}"}}}
  - expressions: ["req.url.path == '/plain'"]
    actions: [{type: custom-response, config: {status_code: 200, body: "nothing is read"}}]
  - expressions: ["req.url.path == '/fails'"]
    actions: [{type: url-rewrite, config: {from: "(", to: "x"}}]
  - actions:
      - {type: add-headers, config: {headers: {x-token: "${secrets.get('v', 'n')}"}}}
      - {type: log, config: {metadata: {seen: "${secrets.get('v', 'n')}"}}}
`

func policyText() string {
	return strings.ReplaceAll(readsSecret, `{from: "(", to: "x"}`, `{from: "${secrets.get('v', 'n')}(", to: "x"}`)
}

func (r *running) ask(path, body string, header ...string) (status int, content, exchangeID string) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+r.HTTPAddress()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Host = "api.test"
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(got), res.Header.Get("Sluice-Exchange-Id")
}

var hashes = regexp.MustCompile(`[0-9a-f]{16}\]`)

// hashless is a record's text without the hashes of what was redacted.
func hashless(s string) string { return hashes.ReplaceAllString(s, "HASH]") }

func TestSecretsStayOutOfRecords(t *testing.T) {
	up := serve(t, echo)
	p, server := newPolicyServer(t, endpoint(up.URL, policyText()))
	p.snapshot.Secrets = []*policyv1.SecretValue{secret("secret_1", planted)}
	c, capture := newCaptureServer(t)
	dir := t.TempDir()
	r := run(t, dir, server.address, capture.address).ready()

	record := func(exchangeID string) *capturev1.Exchange {
		t.Helper()
		eventually(t, "the record", func() bool { return c.exchange(exchangeID) != nil })
		e := c.exchange(exchangeID)
		if text := e.String(); strings.Contains(text, "planted") {
			t.Errorf("the record tells the secret: %s", text)
		}
		return e
	}
	_, body, id := r.ask("/echo?k=planted%2F9f%264e2c&x=1", "with "+planted, "X-Mine", planted)
	if !strings.Contains(body, planted) {
		t.Fatalf("the upstream did not get the secret: %s", body)
	}
	e := record(id)
	lines := map[string]string{}
	for _, h := range append(e.GetRequest().GetHeaders(), e.GetResponse().GetHeaders()...) {
		lines[h.GetName()] = hashless(h.GetValue()) + " by " + h.GetRedactedBy()
	}
	const mark = "[redacted secret:v/n 15 HASH]"
	if lines["X-Mine"] != mark+" by secret:v/n" || lines["X-Echo"] != "you sent "+mark+" by secret:v/n" {
		t.Errorf("headers %v", lines)
	}
	if b := e.GetRequest().GetBody(); hashless(string(b.GetContent())) != "with "+mark || !b.GetTruncated() {
		t.Errorf("request body %v", b)
	}
	if q := e.GetRequest().GetQuery(); hashless(q) != "k=[redacted+secret:v/n+19+HASH]&x=1" {
		t.Errorf("query %s", q)
	}
	if b := string(e.GetResponse().GetBody().GetContent()); !strings.HasPrefix(b, `{"token": "[redacted json_password 15 `) {
		t.Errorf("response body %s", b)
	}

	_, _, id = r.ask("/echo?gzip", "")
	e = record(id)
	if b := string(e.GetResponse().GetBody().GetContent()); !strings.HasPrefix(b, `{"token": "[redacted`) {
		t.Errorf("a compressed body with the secret: %q", b)
	}
	for _, h := range e.GetResponse().GetHeaders() {
		if h.GetName() == "Content-Encoding" && (h.GetValue() != "identity" || h.GetRedactedBy() != "content_decoded") {
			t.Errorf("%v", h)
		}
	}
	if _, body, id = r.ask("/answer", ""); body != "it is "+planted || hashless(string(record(id).GetResponse().GetBody().GetContent())) != "it is "+mark {
		t.Errorf("made by the policy: %s", body)
	}
	if status, body, id := r.ask("/fails", ""); status != 500 || strings.Contains(body, "planted") || record(id).GetError() == nil {
		t.Errorf("failure: %d %s", status, body)
	}
	// What reads no secret is left alone: nobody knows what a text means there.
	_, _, id = r.ask("/plain", "[redacted] words")
	eventually(t, "the record", func() bool { return c.exchange(id) != nil })
	if b := c.exchange(id).GetRequest().GetBody(); b.GetTruncated() {
		t.Errorf("%v", b)
	}
	r.end()
	noFileHas(t, dir, "planted")
}

// noFileHas looks into every file below dir.
func noFileHas(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte(text)) {
			t.Errorf("%s holds %q", path, text)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRecordsInTheSpoolHaveNoSecrets(t *testing.T) {
	up := serve(t, echo)
	p, server := newPolicyServer(t, endpoint(up.URL, policyText()))
	p.snapshot.Secrets = []*policyv1.SecretValue{secret("secret_1", planted)}
	dir := t.TempDir()
	r := run(t, dir, server.address, nowhere).ready()
	r.ask("/echo", planted)
	r.end()
	noFileHas(t, dir, "planted")
	found := false
	_ = filepath.Walk(dir, func(path string, _ os.FileInfo, _ error) error {
		raw, _ := os.ReadFile(path)
		found = found || bytes.Contains(raw, []byte("secret:v/n"))
		return nil
	})
	if !found {
		t.Error("the record is not where the test looks for it")
	}
}

func TestSecretsChangeAtOnceAndFailClosed(t *testing.T) {
	up := serve(t, echo)
	p, server := newPolicyServer(t, endpoint(up.URL, policyText()))
	r := run(t, t.TempDir(), server.address, nowhere).ready()
	if status, _, _ := r.ask("/answer", ""); status != 500 {
		t.Errorf("without the secret: %d", status)
	}
	p.change(&policyv1.Delta{Revision: 2, ChangedSecrets: []*policyv1.SecretValue{secret("secret_1", "one")}})
	eventually(t, "the first value", func() bool { _, body, _ := r.ask("/answer", ""); return body == "it is one" })
	p.change(&policyv1.Delta{Revision: 3, ChangedSecrets: []*policyv1.SecretValue{secret("secret_1", "two")}})
	eventually(t, "the second value", func() bool { _, body, _ := r.ask("/answer", ""); return body == "it is two" })
	renamed := secret("secret_1", "two")
	renamed.Name = "other"
	p.change(&policyv1.Delta{Revision: 4, ChangedSecrets: []*policyv1.SecretValue{renamed}})
	eventually(t, "the old name to go", func() bool { status, _, _ := r.ask("/answer", ""); return status == 500 })
	p.change(&policyv1.Delta{Revision: 5, ChangedSecrets: []*policyv1.SecretValue{secret("secret_2", "three")}})
	eventually(t, "another", func() bool { _, body, _ := r.ask("/answer", ""); return body == "it is three" })
	p.change(&policyv1.Delta{Revision: 6, DeletedSecretIds: []string{"secret_2"}})
	eventually(t, "the deletion", func() bool { status, _, _ := r.ask("/answer", ""); return status == 500 })
}

func TestSecretsOnDisk(t *testing.T) {
	up := serve(t, echo)
	keys := filepath.Join(t.TempDir(), "secrets.key")
	if err := sealed.Create(keys); err != nil {
		t.Fatal(err)
	}
	withKeys := func(c *proxy.Config) { c.Secrets.SecretsKeyFile = keys }
	for name, tt := range map[string]struct {
		before, after []func(*proxy.Config)
		want          int
	}{
		"with the key":     {[]func(*proxy.Config){withKeys}, []func(*proxy.Config){withKeys}, 200},
		"without keys":     {nil, nil, 500},
		"lost the key":     {[]func(*proxy.Config){withKeys}, nil, 500},
		"got the key late": {nil, []func(*proxy.Config){withKeys}, 500},
	} {
		p, server := newPolicyServer(t, endpoint(up.URL, policyText()))
		p.snapshot.Secrets = []*policyv1.SecretValue{secret("secret_1", planted)}
		dir := t.TempDir()
		first := run(t, dir, server.address, nowhere, tt.before...).ready()
		eventually(t, "the snapshot file", func() bool { _, err := os.Stat(filepath.Join(dir, "snapshot.pb")); return err == nil })
		first.end()
		server.stop()
		noFileHas(t, dir, "planted")

		second := run(t, dir, server.address, nowhere, tt.after...).ready()
		if status, _, _ := second.ask("/answer", ""); status != tt.want {
			t.Errorf("%s: %d, want %d", name, status, tt.want)
		}
		if status, _, _ := second.ask("/plain", ""); status != 200 {
			t.Errorf("%s: a policy that reads no secret: %d", name, status)
		}
		server.start()
		eventually(t, name+": the secret from the policy service", func() bool { status, _, _ := second.ask("/answer", ""); return status == 200 })
		second.end()
	}
}
