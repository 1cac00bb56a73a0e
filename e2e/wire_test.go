package e2e_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.dev/e2e/harness"
)

// line is a header line as on the wire.
type line struct {
	Name       string `json:"name"`
	Value      string `json:"value"`
	RedactedBy string `json:"redacted_by"`
}

type recordedBody struct {
	Content    string `json:"content"` // base64
	Size       string `json:"size"`
	StoredSize string `json:"stored_size"`
	Truncated  bool   `json:"truncated"`
}

func (b *recordedBody) bytes(t *testing.T) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(b.Content)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// recorded is an exchange as the API tells it.
type recorded struct {
	ID          string `json:"id"`
	FullCapture bool   `json:"full_capture"`
	KeptBy      string `json:"kept_by"`
	Request     struct {
		Method      string       `json:"method"`
		URL         string       `json:"url"`
		HTTPVersion string       `json:"http_version"`
		Headers     []line       `json:"headers"`
		Trailers    []line       `json:"trailers"`
		Body        recordedBody `json:"body"`
	} `json:"request"`
	Response struct {
		StatusCode int          `json:"status_code"`
		Headers    []line       `json:"headers"`
		Trailers   []line       `json:"trailers"`
		Body       recordedBody `json:"body"`
	} `json:"response"`
	Messages []struct {
		Direction  string `json:"direction"`
		Kind       string `json:"kind"`
		Content    []byte `json:"content"`
		Size       string `json:"size"`
		Truncated  bool   `json:"truncated"`
		Compressed bool   `json:"compressed"`
	} `json:"messages"`
	OmittedMessages string           `json:"omitted_messages"`
	Redactions      []map[string]any `json:"redactions"`
	Error           map[string]any   `json:"error"`
	Policy          map[string]any   `json:"policy"`
}

// record waits for the record of an exchange.
func record(t *testing.T, sys *harness.System, id string) *recorded {
	t.Helper()
	var got *recorded
	harness.Eventually(t, 30*time.Second, "the record of "+id, func() error {
		got = &recorded{}
		return sys.API.Do("GET", "/api/v1/exchanges/"+id, nil, got)
	})
	return got
}

// body reads a body by its own method.
func body(t *testing.T, sys *harness.System, id, which string) string {
	t.Helper()
	var raw []byte
	harness.Eventually(t, 20*time.Second, "the "+which+" of "+id, func() error {
		res, err := http.Get(sys.API.Base + "/api/v1/exchanges/" + id + "/" + which)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if raw, err = io.ReadAll(res.Body); err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%d %s", res.StatusCode, raw)
		}
		return err
	})
	return string(raw)
}

// rawAPI answers each path with bytes that the test gives.
type rawAPI struct {
	address string
	mu      sync.Mutex
	answers map[string]string
}

func startRawAPI(t *testing.T) *rawAPI {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	api := &rawAPI{address: l.Addr().String(), answers: map[string]string{}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go api.serve(conn)
		}
	}()
	return api
}

func (a *rawAPI) answer(path, raw string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[path] = raw
}

func (a *rawAPI) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if req.Header.Get("Expect") != "" {
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		_, _ = io.Copy(io.Discard, req.Body)
		a.mu.Lock()
		raw := a.answers[req.URL.Path]
		a.mu.Unlock()
		if _, err := io.WriteString(conn, raw); err != nil {
			return
		}
		if strings.HasPrefix(raw, "HTTP/1.1 101") {
			_, _ = io.Copy(conn, r) // whatever comes goes back
			return
		}
	}
}

// answered is what came back on the wire.
type answered struct {
	status   int
	headers  []line
	body     string // transfer coding undone
	trailers []line
}

func (a *answered) exchangeID() string {
	for _, h := range a.headers {
		if strings.EqualFold(h.Name, "sluice-exchange-id") {
			return h.Value
		}
	}
	return ""
}

// wire is a client's connection that is spoken to by hand.
type wire struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func dial(t *testing.T, sys *harness.System) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", sys.Proxies[0].HTTP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	return &wire{t: t, conn: conn, r: bufio.NewReader(conn)}
}

func (w *wire) send(raw string) {
	w.t.Helper()
	if _, err := io.WriteString(w.conn, raw); err != nil {
		w.t.Fatal(err)
	}
}

// line reads a line without its end.
func (w *wire) line() string {
	w.t.Helper()
	s, err := w.r.ReadString('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSuffix(s, "\r\n")
}

func (w *wire) fields() (out []line) {
	for s := w.line(); s != ""; s = w.line() {
		name, value, _ := strings.Cut(s, ":")
		out = append(out, line{Name: name, Value: strings.TrimSpace(value)})
	}
	return out
}

// receive reads a whole response; interim ones are passed over.
func (w *wire) receive(method string) *answered {
	w.t.Helper()
	a := &answered{}
	for a.status < 200 && a.status != 101 {
		if _, err := fmt.Sscanf(w.line(), "HTTP/1.1 %d", &a.status); err != nil {
			w.t.Fatal(err)
		}
		a.headers = w.fields()
	}
	length, chunked := 0, false
	for _, h := range a.headers {
		switch strings.ToLower(h.Name) {
		case "content-length":
			_, _ = fmt.Sscan(h.Value, &length)
		case "transfer-encoding":
			chunked = true
		}
	}
	switch {
	case method == "HEAD" || a.status == 204 || a.status == 304 || a.status == 101:
	case chunked:
		a.chunks(w)
	default:
		a.body = w.read(length)
	}
	return a
}

func (w *wire) read(n int) string {
	w.t.Helper()
	raw := make([]byte, n)
	if _, err := io.ReadFull(w.r, raw); err != nil {
		w.t.Fatal(err)
	}
	return string(raw)
}

func (a *answered) chunks(w *wire) {
	for {
		size := 0
		if _, err := fmt.Sscanf(w.line(), "%x", &size); err != nil {
			w.t.Fatal(err)
		}
		if size == 0 {
			a.trailers = w.fields()
			return
		}
		a.body += w.read(size)
		w.line()
	}
}
