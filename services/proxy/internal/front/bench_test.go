package front_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkProxy is one keep-alive connection through the whole data plane, the
// client and the upstream included.
func BenchmarkProxy(b *testing.B) {
	body := strings.Repeat("x", 1024)
	up := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = io.WriteString(w, body)
	})
	h := start(b, to(up.URL))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", h.Address)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		for i := 0; pb.Next(); i++ {
			_, _ = io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: api.test\r\n\r\n")
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if i%200 == 0 {
				for h.Tap.Batch() != nil {
				}
			}
		}
	})
}

func TestProxyProtocolReachesTheRecord(t *testing.T) {
	if spoken != "http" {
		t.Skip("about clear text: in TLS the header would stand before the handshake")
	}
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Forwarded-For"))
	})
	h := start(t, to(up.URL), func(c *harnessConfig) { c.front.ProxyProtocol = true })
	got := h.raw("PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\nGET / HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n")
	if !strings.HasSuffix(got, "192.0.2.7") {
		t.Error(got)
	}
	if c := h.recorded().GetConnection(); c.GetClientIp() != "192.0.2.7" || c.GetClientPort() != 4711 || c.GetServerIp() != "198.51.100.1" || c.GetServerPort() != 80 {
		t.Errorf("recorded %v", c)
	}
}
