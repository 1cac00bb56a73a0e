package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Admin is the HTTP side door of a process: /metrics, /healthz (alive), /readyz
// (ready to serve) and /debug/pprof.
type Admin struct {
	listen   string
	listener net.Listener
	server   *http.Server
}

// NewAdmin returns an admin server on listen. ready says why the process cannot
// serve, or nil.
func NewAdmin(listen string, metrics prometheus.Gatherer, ready func() error) *Admin {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, ready()) })
	if IsLocal(listen) {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return &Admin{listen: listen, server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}}
}

func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	state := map[string]string{"status": "ok"}
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		state = map[string]string{"status": "unavailable", "reason": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(state) // the client went away: nobody is left to tell
}

// Bind opens the listener.
func (a *Admin) Bind() error {
	l, err := net.Listen("tcp", a.listen)
	if err != nil {
		return fmt.Errorf("listen for metrics and health on %s: %w", a.listen, err)
	}
	a.listener = l
	return nil
}

// Address is host:port; valid after Bind.
func (a *Admin) Address() string { return a.listener.Addr().String() }

// Run serves until ctx ends.
func (a *Admin) Run(ctx context.Context) error {
	if a.listener == nil {
		if err := a.Bind(); err != nil {
			return err
		}
	}
	failed := make(chan error, 1)
	go func() { failed <- a.server.Serve(a.listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := a.server.Shutdown(stop); err != nil {
		_ = a.server.Close() // a scrape that hangs must not hold up the process
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
