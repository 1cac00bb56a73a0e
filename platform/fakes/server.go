// Package fakes are strict stand-ins for the outside systems that Sluice sends
// to: a Datadog log intake, an ntfy server and a receiver of signed webhooks.
// Each refuses what the real one refuses, keeps what it accepted, and can be told
// to fail. They are for tests and demonstrations; Sluice's own parts have none.
package fakes

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// maxBody bounds what a fake reads of a request.
const maxBody = 16 << 20

// Failure is how a fake answers instead of doing its work.
type Failure struct {
	Status int
	Header map[string]string
	Body   string
	Times  int           // how often; 0: until Recover
	Delay  time.Duration // before the answer
	// After makes the fake do its work first: the sender sees a failure although
	// the request took effect.
	After bool
}

// server is what all fakes share.
type server struct {
	http     *httptest.Server
	mu       sync.Mutex
	failure  *Failure
	requests int
	changed  chan struct{}
	closing  chan struct{}
}

// start serves handle, which is called with the body read, one request at a time.
func (s *server) start(handle func(w http.ResponseWriter, r *http.Request, body []byte)) {
	s.changed, s.closing = make(chan struct{}), make(chan struct{})
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the body cannot be read", http.StatusRequestEntityTooLarge)
			return
		}
		failure := s.next()
		if failure != nil && failure.Delay > 0 {
			select {
			case <-time.After(failure.Delay):
			case <-s.closing:
			case <-r.Context().Done():
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		defer s.notify()
		switch {
		case failure == nil:
			handle(w, r, body)
			return
		case failure.After:
			handle(httptest.NewRecorder(), r, body)
		}
		failure.answer(w)
	}))
}

func (f *Failure) answer(w http.ResponseWriter) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
}

// next takes the failure of one request.
func (s *server) next() *Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.failure == nil {
		return nil
	}
	f := *s.failure
	if s.failure.Times > 0 {
		if s.failure.Times--; s.failure.Times == 0 {
			s.failure = nil
		}
	}
	return &f
}

func (s *server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Fail makes the next requests fail.
func (s *server) Fail(f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = &f
}

// Recover ends a Fail.
func (s *server) Recover() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = nil
}

// Requests counts all requests, failed ones too.
func (s *server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Await waits until cond holds, asking again after each request. It reports
// whether it came true within limit.
func (s *server) Await(limit time.Duration, cond func() bool) bool {
	timeout := time.After(limit)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return true
		}
		select {
		case <-changed:
		case <-timeout:
			return cond()
		}
	}
}

// Close stops the server.
func (s *server) Close() {
	close(s.closing)
	s.http.CloseClientConnections()
	s.http.Close()
}

// URL is where the server listens, without a path.
func (s *server) URL() string { return s.http.URL }
