package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/gateway/internal/apierror"
	"sluice.dev/platform/errs"
)

// Observer names, counts and times requests, and turns a panic into an error.
type Observer struct {
	log      *slog.Logger
	requests *prometheus.HistogramVec
}

// NewObserver registers its metrics with registry.
func NewObserver(log *slog.Logger, registry prometheus.Registerer) (*Observer, error) {
	o := &Observer{log: log, requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "sluice_gateway_request_duration_seconds",
		Help:    "Time from an HTTP request's arrival at the gateway to its end, by part (api, console), method and status.",
		Buckets: []float64{.005, .025, .1, .5, 2.5, 10},
	}, []string{"part", "method", "status"})}
	if err := registry.Register(o.requests); err != nil {
		return nil, fmt.Errorf("register the gateway's metrics: %w", err)
	}
	return o, nil
}

// Observe wraps one part of the listener.
func (o *Observer) Observe(part string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, start := "req_"+ulid.Make().String(), time.Now()
		w.Header().Set(apierror.RequestIDHeader, id)
		rec := &recorder{ResponseWriter: w}
		defer func() {
			p := recover()
			if p != nil && p != http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http compares it
				o.log.ErrorContext(r.Context(), "panic in an HTTP handler", "request_id", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				rec.fail(fmt.Errorf("panic: %v", p))
			}
			took := time.Since(start)
			o.requests.WithLabelValues(part, method(r.Method), strconv.Itoa(rec.code())).Observe(took.Seconds())
			o.log.Log(r.Context(), level(rec.code()), "request", "request_id", id, "method", r.Method, "path", r.URL.Path, "status", rec.code(), "duration", took)
			if p != nil && rec.began {
				panic(http.ErrAbortHandler) // so that nobody takes what was sent for the whole
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

func level(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// method bounds the label's values: clients may send any token as method.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
	began  bool // to answer, before anything failed
}

// Write marks the beginning of an answer.
func (r *recorder) Write(p []byte) (int, error) {
	r.began = true
	return r.ResponseWriter.Write(p)
}

// WriteHeader remembers the first status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach deadlines and flushing.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush is for handlers that do not use http.ResponseController.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

func (r *recorder) fail(err error) {
	if r.status == 0 && !r.began {
		apierror.Write(r.ResponseWriter, errs.Internal(err))
		r.status = http.StatusInternalServerError
	}
}
