package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.dev/e2e/harness"
	"sluice.dev/platform/clickhouse"
	"sluice.dev/platform/fakes"
)

// planted are secrets that traffic carries. None may be found anywhere afterwards.
var planted = map[string]string{
	"bearer":    "bearerQ7fK2mVx9LpR4tZw8Nc3",
	"basic":     "dXNlcjpiYXNpY1E3Zksybw==",
	"cookie":    "cookieQ7fK2mVx9LpR",
	"setcookie": "setcookieJ3nB8sHd6",
	"header":    "headerT5yU1gWq0Ez",
	"json":      "jsonpassA9sD4fGh2",
	"nested":    "nestedsecretL0kM7jN",
	"escaped":   `escaped\"X1cV5b`,
	"number":    "7391846205",
	"object":    "objectsecretP8oI3u",
	"form":      "formpassY6tR2eWq",
	"multipart": "multipassK4lO9iU",
	"query":     "querytokenH7gF1dS",
	"gzip":      "gzippassZ2xC8vB",
	"socket":    "socketpassM5nQ1aW",
	"event":     "eventtokenE3rT9yU",
	"jwt":       "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkLXN1YmplY3QifQ.c2lnbmF0dXJlLW9mLXBsYW50ZWQtand0",
	"aws":       "AKIAZQ3DN5PLANTEDKEY",
	"github":    "ghp_pLaNtEd0123456789abcdefghijABCDEFGH",
	"slack":     "xoxb-998877665544-planted-PLANTEDtoken",
	"stripe":    "sk_live_pLaNtEdStRiPe0123456789ab",
	"card":      "4539 5787 6362 1486",
	"cardnum":   "5425233430109903",
	"url":       "urlpassD8fG3hJ",
	"ticket":    "TICKET-00471193",
	"tenant":    "tenantvalueR4eW7q",
	"path":      "pathvalueB6vN2mX",
	"field":     "fieldvalueU1iO5pL",
	"vault":     "vaultvalueS9dF3gH6jK",
	"cut":       "cutpasswordThatIsLongEnough0123456789",
}

// forms are how a secret could stand somewhere: as it is, or in base64 at any
// offset.
func forms(secret string) [][]byte {
	out := [][]byte{[]byte(secret)}
	for before := range 3 {
		raw := append(make([]byte, before), secret...)
		text := base64.StdEncoding.EncodeToString(raw)
		from, to := (before*8+5)/6, len(raw)*8/6
		if to-from >= 10 {
			out = append(out, []byte(text[from:to]))
		}
	}
	return out
}

// finds names the secrets that a text holds.
func finds(text []byte) (names []string) {
	for name, secret := range planted {
		for _, form := range forms(secret) {
			if bytes.Contains(text, form) {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

func lacksSecrets(t *testing.T, where string, text []byte) {
	t.Helper()
	if names := finds(text); len(names) > 0 {
		i := bytes.Index(text, []byte(planted[names[0]]))
		t.Errorf("%s tells %v: %.300q", where, names, text[max(0, i-100):min(len(text), max(0, i)+200)])
	}
}

// plant is traffic that carries every secret, some in many ways.
func plant(v *harness.Visitor, url string) []harness.Answer {
	p := planted
	post := func(media, body string, more ...string) harness.Answer {
		return v.Send("POST", url+"/echo", body, append(more, "Content-Type: "+media)...)
	}
	multipart := "--X\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + p["multipart"] + "\r\n--X\r\nContent-Disposition: form-data; name=\"note\"\r\nContent-Type: application/json\r\n\r\n{\"api_key\":\"" + p["json"] + "\"}\r\n--X--\r\n"
	filler := strings.Repeat("lorem ipsum dolor ", 8000)
	large := `{"a":"` + filler + `","password":"` + p["json"] + `","b":"` + filler + p["jwt"] + `","c":` + p["cardnum"] + `}`
	cut := `{"a":"` + filler[:65536-30] + `","password":"` + p["cut"] + `"}`
	return []harness.Answer{
		v.Send("GET", url+"/echo?access_token="+p["query"]+"&x=1&note=Bearer+"+p["bearer"], "", "Authorization: Bearer "+p["bearer"], "Cookie: sid="+p["cookie"]+"; theme=dark", "X-Api-Key: "+p["header"]),
		v.Send("GET", url+"/hooks/"+p["slack"], "", "Authorization: Basic "+p["basic"], "X-Note: "+p["jwt"], "X-Tenant: "+p["tenant"], "Referer: https://u:"+p["url"]+"@h/?token="+p["query"]),
		post("application/json", `{"user":{"password":"`+p["json"]+`","client_secret":"`+p["nested"]+`"},"pin":{"value":"x"},"token":`+p["number"]+`,"credentials":{"any":["`+p["object"]+`"]}}`),
		post("application/json", `{"password":"`+p["escaped"]+`","text":"{\"passwd\":\"`+p["json"]+`\"}","card":"`+p["card"]+`","n":`+p["cardnum"]+`,"url":"https://u:`+p["url"]+`@h/"}`),
		post("application/json", `{"custom":{"place":"`+p["path"]+`"},"t":"see `+p["ticket"]+`"}`),
		post("text/plain", "keys "+p["aws"]+", "+p["github"]+", "+p["stripe"]+" and "+p["slack"]+"; "+p["ticket"]+" "+p["card"]+"\n"+`log: {"password": "`+p["json"]+`"}`),
		post("application/x-www-form-urlencoded", "user=u&password="+p["form"]+"&place="+p["field"]+"&card="+strings.ReplaceAll(p["card"], " ", "+")+"&jwt="+p["jwt"]),
		post("multipart/form-data; boundary=X", multipart),
		post("application/json", zipped(`{"password":"`+p["gzip"]+`","jwt":"`+p["jwt"]+`"}`), "Content-Encoding: gzip"),
		post("application/octet-stream", "\x00\x01"+p["jwt"]+"\x02"+p["aws"]+"\x03"),
		post("application/grpc", grpcFrame("\x0a\x20"+p["jwt"])+grpcFrame(p["github"])),
		post("application/json", large),
		post("application/json", cut),
		v.Send("GET", url+"/events", ""),
	}
}

// echo sends back what comes, and sets a cookie.
func echoAPI(t *testing.T) *httptest.Server {
	t.Helper()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		w.Header().Set("Set-Cookie", "session="+planted["setcookie"]+"; Path=/")
		w.Header().Set("X-Upstream-Saw", r.Header.Get("X-From-Vault"))
		switch r.URL.Path {
		case "/ws":
			conn, buffered, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_, _ = io.Copy(conn, buffered)
			return
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: {\"token\":\"%s\"}\n\ndata: {\n\ndata: %s\n\n", planted["event"], planted["jwt"])
			return
		}
		for _, name := range []string{"Content-Type", "Content-Encoding"} {
			if value := r.Header.Get(name); value != "" {
				w.Header().Set(name, value)
			}
		}
		_, _ = w.Write(raw)
	}))
	t.Cleanup(up.Close)
	return up
}

const plantPolicy = `
on_http_request:
  - actions:
      - {type: add-headers, config: {headers: {x-from-vault: "${secrets.get('e2e', 'vault')}"}}}
      - {type: log, config: {metadata: {headers: "${req.headers}", query: "${req.url.query}"}}}
`

func plantSystem(t *testing.T) (*harness.System, *fakes.Webhook, string) {
	t.Helper()
	sys := harness.Split(t, 1)
	hook := fakes.NewWebhook("")
	t.Cleanup(hook.Close)
	setSecret(t, sys, "e2e", "vault", planted["vault"])
	sys.API.Must(t, "PATCH", "/api/v1/settings/capture", harness.Object{
		"mode": "CAPTURE_MODE_FULL", "request_body_limit": 65536, "response_body_limit": 1 << 20,
		"redaction_rules": []harness.Object{
			{"name": "tickets", "pattern": `TICKET-\d{8}`}, {"name": "tenants", "header": "x-tenant"},
			{"name": "places", "json_path": "$..place"}, {"name": "fields", "form_field": "place"},
		},
	}, nil)
	var d struct{ ID string }
	sys.API.Must(t, "POST", "/api/v1/event-destinations", harness.Object{"webhook": harness.Object{"url": hook.URL()}}, &d)
	sys.API.Must(t, "POST", "/api/v1/event-subscriptions", harness.Object{"sources": []harness.Object{{"type": "http_request_complete.v0"}}, "destination_ids": []string{d.ID}}, nil)
	const url = "http://planted.localhost"
	sys.API.Must(t, "POST", "/api/v1/endpoints", harness.Object{"url": url, "upstream": harness.Object{"url": echoAPI(t).URL}, "traffic_policy": plantPolicy}, nil)
	sys.Settle()
	return sys, hook, url
}

// webSocket sends a secret over a WebSocket and returns the exchange's id.
func webSocket(t *testing.T, sys *harness.System) string {
	t.Helper()
	w := dial(t, sys)
	w.send("GET /ws HTTP/1.1\r\nHost: planted.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	got := w.receive("GET")
	if got.status != 101 {
		t.Fatal(got.status)
	}
	sent := frame(0x81, `{"password":"`+planted["socket"]+`"}`) + frame(0x82, planted["jwt"]) + frame(0x88, "")
	w.send(sent)
	w.read(len(sent))
	_ = w.conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, w.r)
	return got.exchangeID()
}

// No secret that a client or an API sends is found afterwards: not in the store, the
// spool, Redis, logs, exports or answers of the API.
func TestPlantedSecretsAreNowhere(t *testing.T) {
	sys, hook, url := plantSystem(t)
	v := sys.Visitor(0)
	var ids []string
	note := func(answers []harness.Answer) {
		for _, a := range answers {
			if a.Status != 200 {
				t.Fatalf("status %d: %.300s", a.Status, a.Body)
			}
			ids = append(ids, a.ExchangeID())
		}
	}
	note(plant(v, url))
	ids = append(ids, webSocket(t, sys))
	sys.Balance(uint64(len(ids)))

	sys.Procs["capture"].Kill() // from here on records go to the spool
	note(plant(v, url))
	spooled := 0
	harness.Eventually(t, 20*time.Second, "the spool", func() error {
		spooled = inFiles(t, filepath.Join(sys.Data, "proxy-0", "spool"), "redacted")
		if spooled == 0 {
			return fmt.Errorf("it is empty")
		}
		return nil
	})
	noFileTells(t, sys)
	sys.Procs["capture"].Restart()
	sys.WaitReady()
	sys.Balance(uint64(len(ids)))

	for _, id := range ids {
		r := record(t, sys, id)
		if len(r.Redactions) == 0 {
			t.Errorf("%s %s: nothing was redacted", r.Request.Method, r.Request.URL)
		}
		for _, which := range []string{"request_body", "response_body"} {
			b := &r.Request.Body
			if which == "response_body" {
				b = &r.Response.Body
			}
			if n, _ := strconv.Atoi(b.StoredSize); n > 0 {
				lacksSecrets(t, which+" of "+r.Request.URL, []byte(body(t, sys, id, which)))
			}
		}
		lacksSecrets(t, "the record of "+r.Request.URL, get(t, sys, "exchanges/"+id))
	}
	for _, path := range []string{"exchanges?limit=1000", "exchanges:export?include_bodies=true&format=EXPORT_FORMAT_NDJSON", "exchanges:export?include_bodies=true&format=EXPORT_FORMAT_HAR", "audit-events?limit=1000", "endpoints", "settings/capture"} {
		lacksSecrets(t, path, get(t, sys, path))
	}
	if !hook.Await(30*time.Second, func() bool { return len(hook.Deliveries()) > 0 }) {
		t.Error("nothing was exported")
	}
	for _, d := range hook.Deliveries() {
		lacksSecrets(t, "an exported event", d.Body)
	}
	noTableTells(t, sys)
	for _, p := range sys.Procs {
		if p.Name != "clickhouse" && p.Name != "redis" {
			p.Stop()
		}
	}
	for name, p := range sys.Procs {
		lacksSecrets(t, "the log of "+name, []byte(p.Output()))
	}
	noFileTells(t, sys)
}

func get(t *testing.T, sys *harness.System, path string) []byte {
	t.Helper()
	res, err := http.Get(sys.API.Base + "/api/v1/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || len(raw) == 0 {
		t.Errorf("%s: %v, status %d: %.300s", path, err, res.StatusCode, raw)
	}
	return raw
}

// noTableTells reads every column of every table that keeps something.
func noTableTells(t *testing.T, sys *harness.System) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := clickhouse.Open(ctx, sys.ClickHouse, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	column := func(sql string) (out []string) {
		rows, err := conn.Query(ctx, sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			out = append(out, text)
		}
		if rows.Err() != nil {
			t.Fatal(rows.Err())
		}
		return out
	}
	tables := column("SELECT '`' || database || '`.`' || name || '`' FROM system.tables WHERE engine LIKE '%MergeTree%'")
	rows := 0
	for _, table := range tables {
		for _, row := range column("SELECT formatRow('TSVRaw', *) FROM " + table) {
			rows++
			lacksSecrets(t, "a row of "+table, []byte(row))
		}
	}
	if len(tables) < 3 || rows < 30 {
		t.Errorf("%d tables with %d rows were read", len(tables), rows)
	}
}

// noFileTells looks into every file of the system, but for the ones that must hold
// secrets: encrypted ones hold them in no form that could be found.
func noFileTells(t *testing.T, sys *harness.System) {
	t.Helper()
	for name := range planted {
		if n := inFiles(t, sys.Data, planted[name]); n > 0 {
			t.Errorf("%d files hold %s", n, name)
		}
	}
}

// inFiles counts the files below dir that hold a text in some form.
func inFiles(t *testing.T, dir, text string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // files come and go
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // the same
		}
		for _, form := range forms(text) {
			if bytes.Contains(raw, form) {
				n++
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return n
}
