package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/proto/openapi"

	"sluice.dev/gateway/console"
	"sluice.dev/gateway/internal/auth"
	"sluice.dev/gateway/internal/rest"
	"sluice.dev/gateway/internal/tail"
	"sluice.dev/gateway/internal/web"
)

// httpServer puts the HTTP side together.
func (s *Service) httpServer(ctx context.Context, cfg Config, keysRequired bool) (*http.Server, error) {
	api, err := s.api(ctx, auth.Gate{Keys: s.keys, Required: keysRequired})
	if err != nil {
		return nil, err
	}
	observer, err := web.NewObserver(s.tel.Log, s.tel.Registry)
	if err != nil {
		return nil, err
	}
	page, err := web.Console(console.Files())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", observer.Observe("api", s.guard(api, cfg, keysRequired)))
	mux.Handle("/", observer.Observe("console", s.guard(page, cfg, keysRequired)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { health(w, s.Ready()) })
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}, nil
}

func (s *Service) guard(next http.Handler, cfg Config, keysRequired bool) http.Handler {
	next = web.GuardOrigin(next)
	if !keysRequired {
		next = web.GuardHost(next, cfg.AllowedHosts)
	}
	return next
}

func (s *Service) api(ctx context.Context, gate auth.Gate) (http.Handler, error) {
	document, err := openapi.Document()
	if err != nil {
		return nil, err
	}
	follow := &tail.Handler{
		Client:    capturev1.NewCaptureServiceClient(s.conns["sluice.capture.v1"]),
		Marshal:   rest.Marshal,
		Heartbeat: 15 * time.Second,
		Closing:   s.closing,
		Annotate:  rest.Outgoing,
	}
	handler, err := rest.New(ctx, gate, s.backends(), follow)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.HandleFunc("GET /api/v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document) // the client went away: nobody is left to tell
	})
	return mux, nil
}

// serveHTTP serves until ctx ends, then ends event streams and lets calls finish.
func (s *Service) serveHTTP(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	close(s.closing)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := s.http.Shutdown(stop); err != nil {
		_ = s.http.Close() // a call that hangs must not hold up the process
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func health(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	state := map[string]string{"status": "ok"}
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		state = map[string]string{"status": "unavailable", "reason": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(state) // the client went away: nobody is left to tell
}
