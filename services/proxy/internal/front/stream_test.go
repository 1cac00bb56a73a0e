package front_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
)

func TestServerSentEventsArriveAtOnce(t *testing.T) {
	next := make(chan struct{})
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			<-next // goes on only after the client has read the event
		}
	})
	h := start(t, to(up.URL))
	res := h.do(h.request("GET", "/", ""))
	lines := bufio.NewScanner(res.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) {
			t.Fatalf("event %d: %q, %v", i, lines.Text(), lines.Err())
		}
		lines.Scan()
		next <- struct{}{}
	}
	if lines.Scan() {
		t.Errorf("more than was sent: %q", lines.Text())
	}
}

func TestBothDirectionsStreamAtTheSameTime(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusOK)
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "echo %s\n", lines.Text())
			w.(http.Flusher).Flush()
		}
	})
	h := start(t, to(up.URL))
	out, in := io.Pipe()
	req := h.request("POST", "/", "")
	req.Body, req.ContentLength = out, -1
	go func() { _, _ = io.WriteString(in, "0\n") }()
	res := h.do(req)
	answers := bufio.NewScanner(res.Body)
	for i := range 3 {
		if !answers.Scan() || answers.Text() != fmt.Sprintf("echo %d", i) {
			t.Fatalf("answer %d: %q %v", i, answers.Text(), answers.Err())
		}
		if i < 2 {
			_, _ = fmt.Fprintf(in, "%d\n", i+1)
		}
	}
	_ = in.Close()
	if answers.Scan() {
		t.Errorf("more than was sent: %q", answers.Text())
	}
}

func TestTrailersBothWays(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Client-Sum"))
		w.Header().Set(http.TrailerPrefix+"X-Late", "late")
		w.Header().Set(http.TrailerPrefix+"Sluice-Error-Code", "SLUICE_1")
	})
	h := start(t, to(up.URL))
	req := h.request("POST", "/", "")
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader("hello")), -1
	req.Trailer = http.Header{"X-Client-Sum": {"five"}}
	res := h.do(req)
	body, _ := io.ReadAll(res.Body)
	if string(body) != "hello" || res.Trailer.Get("X-Sum") != "five" || res.Trailer.Get("X-Late") != "late" || res.Trailer.Get("Sluice-Error-Code") != "" {
		t.Errorf("%q, trailers %v", body, res.Trailer)
	}
	e := h.recorded()
	if tr := e.GetRequest().GetTrailers(); len(tr) != 1 || tr[0].GetName() != "X-Client-Sum" || tr[0].GetValue() != "five" {
		t.Errorf("recorded request trailers %v", tr)
	}
	if tr := e.GetResponse().GetTrailers(); len(tr) != 2 {
		t.Errorf("recorded response trailers %v", tr)
	}
}

func TestInformationalResponsesPass(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.WriteHeader(http.StatusNoContent)
	})
	h := start(t, to(up.URL))
	var hints []string
	req := h.request("GET", "/", "")
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, " ", header.Get("Link")))
			return nil
		},
	}))
	res := h.do(req)
	if res.StatusCode != http.StatusNoContent || len(hints) != 1 || hints[0] != "103 </style.css>; rel=preload" || res.Header.Get("Link") != "" {
		t.Errorf("%d, hints %q, %v", res.StatusCode, hints, res.Header)
	}
}

func TestExpectContinueReachesTheUpstream(t *testing.T) {
	var read atomic.Bool
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		_, _ = io.Copy(w, r.Body)
	})
	h := start(t, to(up.URL))
	for path, want := range map[string]string{"/take": "200 body", "/refuse": "417 "} {
		read.Store(false)
		req := h.request("POST", path, "")
		req.Body, req.ContentLength = io.NopCloser(&noticed{strings.NewReader("body"), &read}), 4
		req.Header.Set("Expect", "100-continue")
		res := h.do(req)
		body, _ := io.ReadAll(res.Body)
		asked := path == "/take" || spoken.http2() // net/http asks for the body of HTTP/2 itself
		if got := fmt.Sprint(res.StatusCode, " ", string(body)); got != want || read.Load() != asked {
			t.Errorf("%s: %q, body asked for: %t", path, got, read.Load())
		}
	}
}

type noticed struct {
	io.Reader
	read *atomic.Bool
}

func (n *noticed) Read(p []byte) (int, error) { n.read.Store(true); return n.Reader.Read(p) }

func TestHeadAndStatusesWithoutBody(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"1"`)
		switch r.URL.Path {
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Length", "77")
			if r.Method != http.MethodHead {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 77))
			}
		}
	})
	h := start(t, to(up.URL))
	for _, tt := range []struct {
		method, path string
		status       int
		length       string
		body         int
	}{{"HEAD", "/", 200, "77", 0}, {"GET", "/", 200, "77", 77}, {"GET", "/204", 204, "", 0}, {"GET", "/304", 304, "", 0}, {"HEAD", "/304", 304, "", 0}} {
		res := h.do(h.request(tt.method, tt.path, ""))
		body, err := io.ReadAll(res.Body)
		if res.StatusCode != tt.status || res.Header.Get("Content-Length") != tt.length || len(body) != tt.body || err != nil || res.Header.Get("Content-Type") != "" && tt.body == 0 {
			t.Errorf("%s %s: %d %v, %d bytes, %v", tt.method, tt.path, res.StatusCode, res.Header, len(body), err)
		}
	}
}

// upgradeEcho is an upstream that speaks a protocol of lines after the switch.
func upgradeEcho(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "lines" || !strings.EqualFold(r.Header.Get("Connection"), "upgrade") {
		http.Error(w, "no upgrade", http.StatusUpgradeRequired)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\nX-Up: 1\r\n\r\nwelcome\n")
	_ = rw.Flush()
	for {
		line, err := rw.ReadString('\n')
		if err != nil || line == "bye\n" {
			return
		}
		_, _ = rw.WriteString("echo " + line)
		_ = rw.Flush()
	}
}

func TestUpgradedConnectionsCarryBothWays(t *testing.T) {
	onlyHTTP1(t)
	up := serve(t, upgradeEcho)
	h := start(t, to(up.URL))
	conn, r := h.dial()
	// The first line goes out with the head, before the switch is known.
	_, _ = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: api.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: lines\r\n\r\none\n")
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Upgrade") != "lines" || res.Header.Get("X-Up") != "1" || res.Header.Get("Sluice-Exchange-Id") == "" {
		t.Fatalf("%v %v", res, err)
	}
	for _, want := range []string{"welcome\n", "echo one\n"} {
		if line, err := r.ReadString('\n'); line != want || err != nil {
			t.Fatalf("%q %v", line, err)
		}
	}
	_, _ = io.WriteString(conn, "two\n")
	if line, _ := r.ReadString('\n'); line != "echo two\n" {
		t.Fatalf("%q", line)
	}
	_, _ = io.WriteString(conn, "bye\n")
	if rest, err := io.ReadAll(r); len(rest) != 0 || err != nil {
		t.Errorf("after the end: %q %v", rest, err)
	}
	_ = conn.Close()
	e := h.recorded()
	in, out := e.GetRequest().GetBody().GetSize(), e.GetResponse().GetBody().GetSize()
	if e.GetResponse().GetStatusCode() != 101 || in != uint64(len("one\ntwo\nbye\n")) || out != uint64(len("welcome\necho one\necho two\n")) {
		t.Errorf("recorded %d, %d bytes in, %d out", e.GetResponse().GetStatusCode(), in, out)
	}
}

func TestDrainLetsRequestsEndAndCutsUpgradedConnections(t *testing.T) {
	onlyHTTP1(t)
	release, arrived := make(chan struct{}), make(chan struct{})
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			upgradeEcho(w, r)
			return
		}
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "done")
	})
	h := start(t, to(up.URL))
	ws, wsr := h.dial()
	_, _ = io.WriteString(ws, "GET /ws HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
	if res, err := http.ReadResponse(wsr, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	answer := make(chan string, 1)
	go func() { answer <- h.raw("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n") }()
	<-arrived
	h.stop()
	eventually(t, "the listener's end", func() bool {
		c, err := net.Dial("tcp", h.Address)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(release)
	if got := <-answer; !strings.HasSuffix(got, "done") || !strings.Contains(got, "Connection: close") {
		t.Error(got)
	}
	h.shutdown()
	if rest, err := io.ReadAll(wsr); err != nil && !strings.Contains(err.Error(), "reset") && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the upgraded connection: %q %v", rest, err)
	}
}
