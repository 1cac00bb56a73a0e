// Package reverse is the plainest proxy that Go's standard library makes:
// httputil.ReverseProxy over a transport that keeps enough connections.
package reverse

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// Serve forwards what comes at listen to the server at to, both host:port.
func Serve(listen, to string) error {
	target := &url.URL{Scheme: "http", Host: to}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
		},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 2048, IdleConnTimeout: 5 * time.Minute, DisableCompression: true,
			WriteBufferSize: 16 << 10, ReadBufferSize: 16 << 10,
		},
		BufferPool: &buffers{},
	}
	server := &http.Server{Addr: listen, Handler: proxy, ReadHeaderTimeout: 30 * time.Second}
	return server.ListenAndServe()
}

// buffers keeps the buffers that bodies are copied with.
type buffers struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
