package front

import (
	"net"
	"testing"
	"time"
)

func TestProxyProtocolTellsTheClient(t *testing.T) {
	for name, c := range map[string]struct{ sent, client string }{
		"version 1": {"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n!", "192.0.2.7:4711"},
		"none":      {"GET / HTTP/1.1\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tcp, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer tcp.Close()
			client, err := net.Dial("tcp", tcp.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := client.Write([]byte(c.sent)); err != nil {
				t.Fatal(err)
			}
			l := &listener{Listener: proxied{tcp, time.Second}, proxied: true}
			got, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			_, err = got.Read(make([]byte, 1))
			if (err == nil) != (c.client != "") {
				t.Fatalf("reading: %v", err)
			}
			if addr := got.(*conn).about.ClientAddr.String(); c.client != "" && addr != c.client {
				t.Errorf("the client is %s, want %s", addr, c.client)
			}
		})
	}
}
