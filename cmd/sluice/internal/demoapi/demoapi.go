// Package demoapi is a sample API to publish, limit, break and watch: ordinary,
// slow, failing, login, streaming and large answers. It is for trying Sluice out
// and for its tests, and needs nothing but the standard library.
package demoapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Limits of what a caller may ask for.
const (
	maxDelay = 30 * time.Second
	maxLarge = 64 << 20
	maxEcho  = 1 << 20
)

// Handler returns the API.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", index)
	mux.HandleFunc("GET /api/products", products)
	mux.HandleFunc("GET /api/products/{id}", product)
	mux.HandleFunc("POST /api/orders", order)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("GET /slow", slow)
	mux.HandleFunc("/fail", fail)
	mux.HandleFunc("GET /stream", stream)
	mux.HandleFunc("GET /large", large)
	mux.HandleFunc("/echo", echo)
	return mux
}

// Serve answers on l until ctx ends.
func Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: Handler(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := context.AfterFunc(ctx, func() { _ = srv.Close() }) // streams would hold up a graceful stop
	defer stopped()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller went away
}

func index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, page)
}

// slow waits ?ms= milliseconds (1000 when absent) before it answers.
func slow(w http.ResponseWriter, r *http.Request) {
	delay := min(time.Duration(number(r, "ms", 1000))*time.Millisecond, maxDelay)
	select {
	case <-time.After(delay):
		writeJSON(w, http.StatusOK, map[string]any{"waited_ms": delay.Milliseconds()})
	case <-r.Context().Done():
	}
}

// fail answers ?status= (500 when absent).
func fail(w http.ResponseWriter, r *http.Request) {
	status := number(r, "status", http.StatusInternalServerError)
	if status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	writeJSON(w, status, map[string]string{"error": "the demo API failed, as asked"})
}

// stream sends ?events= server-sent events (10 when absent), one each ?ms=
// milliseconds (500 when absent).
func stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	tick := time.NewTicker(max(time.Millisecond, time.Duration(number(r, "ms", 500))*time.Millisecond))
	defer tick.Stop()
	for i := range number(r, "events", 10) {
		if _, err := fmt.Fprintf(w, "id: %d\nevent: tick\ndata: {\"n\":%d}\n\n", i, i); err != nil {
			return
		}
		if flush.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// large answers ?bytes= bytes (1 MiB when absent).
func large(w http.ResponseWriter, r *http.Request) {
	n := min(number(r, "bytes", 1<<20), maxLarge)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	chunk := make([]byte, 32<<10)
	for i := range chunk {
		chunk[i] = byte('a' + i%26)
	}
	for n > 0 {
		k := min(n, len(chunk))
		if _, err := w.Write(chunk[:k]); err != nil {
			return
		}
		n -= k
	}
}

// echo tells what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEcho))
	if err != nil {
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "host": r.Host,
		"headers": r.Header, "body": string(body),
	})
}

func number(r *http.Request, name string, absent int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 {
		return absent
	}
	return n
}
