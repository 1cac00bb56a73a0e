package trafficpolicy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// KeyFetcher downloads JSON Web Key Sets.
type KeyFetcher interface {
	// FetchKeys returns the document at an http or https URL, at most
	// [MaxKeySet] bytes, and gives up when ctx ends.
	FetchKeys(ctx context.Context, url string) ([]byte, error)
}

// How key sets are kept.
const (
	MaxKeySet      = 1 << 20          // bytes of a key set document
	keysFresh      = 15 * time.Minute // age at which a set is fetched again
	keysUsable     = 24 * time.Hour   // age up to which a set serves while its source fails
	keysRetry      = 30 * time.Second // least time between fetches of one set
	keysFirstRetry = 2 * time.Second  // the same while there is no set at all
	keysDeadline   = 5 * time.Second  // of one fetch
	maxKeySets     = 256              // sets that are kept; the least recently used goes
	maxKeys        = 100              // keys of a set that are looked at
)

// KeySets caches the JSON Web Key Sets (RFC 7517) that tokens are verified with.
// A set older than 15 minutes goes on serving while one goroutine fetches it
// again, and for a day while that fails. It is safe for concurrent use.
type KeySets struct {
	fetcher KeyFetcher
	now     func() time.Time

	mu   sync.Mutex
	sets map[string]*keySet
}

// NewKeySets returns an empty cache. now may be nil for time.Now.
func NewKeySets(fetcher KeyFetcher, now func() time.Time) *KeySets {
	if now == nil {
		now = time.Now
	}
	return &KeySets{fetcher: fetcher, now: now, sets: make(map[string]*keySet)}
}

// keySet is what is known of one URL; the cache's lock guards it.
type keySet struct {
	keys    []jose.JSONWebKey
	fetched time.Time // when keys were
	next    time.Time // no fetch begins before
	used    time.Time
	err     error         // of the last fetch
	running chan struct{} // closed when the fetch under way ends; nil without one
}

// keys returns the usable set of a URL; it waits only for a set's first fetch.
func (k *KeySets) keys(ctx context.Context, url string) ([]jose.JSONWebKey, error) {
	k.mu.Lock()
	s, now := k.set(url), k.now()
	age := now.Sub(s.fetched)
	if s.keys != nil && age < keysUsable {
		if age >= keysFresh && !now.Before(s.next) {
			k.fetch(ctx, url, s)
		}
		keys := s.keys
		k.mu.Unlock()
		return keys, nil
	}
	if s.running == nil && now.Before(s.next) {
		err := s.err
		k.mu.Unlock()
		return nil, err
	}
	return k.wait(ctx, url, s)
}

// refetch is for a token whose key is not in the set: its issuer may have
// changed keys. It returns the set as it is when the last fetch was just now.
func (k *KeySets) refetch(ctx context.Context, url string) ([]jose.JSONWebKey, error) {
	k.mu.Lock()
	s := k.set(url)
	if s.running == nil && k.now().Before(s.next) {
		defer k.mu.Unlock()
		return s.usable(k.now())
	}
	return k.wait(ctx, url, s)
}

func (s *keySet) usable(now time.Time) ([]jose.JSONWebKey, error) {
	if s.keys == nil || now.Sub(s.fetched) >= keysUsable {
		return nil, s.err
	}
	return s.keys, nil
}

// wait is called with the lock, and gives it back while the fetch runs.
func (k *KeySets) wait(ctx context.Context, url string, s *keySet) ([]jose.JSONWebKey, error) {
	running := s.running
	if running == nil {
		running = k.fetch(ctx, url, s)
	}
	k.mu.Unlock()
	select {
	case <-running:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return s.usable(k.now())
}

// set finds or makes the entry of a URL.
func (k *KeySets) set(url string) *keySet {
	s, ok := k.sets[url]
	if !ok {
		if len(k.sets) >= maxKeySets {
			k.evict()
		}
		s = &keySet{}
		k.sets[url] = s
	}
	s.used = k.now()
	return s
}

func (k *KeySets) evict() {
	oldest := ""
	for url, s := range k.sets {
		if oldest == "" || s.used.Before(k.sets[oldest].used) {
			oldest = url
		}
	}
	delete(k.sets, oldest)
}

// fetch starts a download that outlives the request it began for, because
// others wait for it too. It is called with the lock.
func (k *KeySets) fetch(ctx context.Context, url string, s *keySet) chan struct{} {
	done := make(chan struct{})
	s.running = done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysDeadline)
	go func() {
		defer cancel()
		keys, err := k.download(ctx, url)
		k.mu.Lock()
		defer k.mu.Unlock()
		now := k.now()
		s.running, s.err, s.next = nil, err, now.Add(keysRetry)
		switch {
		case err == nil:
			s.keys, s.fetched = keys, now
		case s.keys == nil:
			s.next = now.Add(keysFirstRetry)
		}
		close(done)
	}()
	return done
}

func (k *KeySets) download(ctx context.Context, url string) ([]jose.JSONWebKey, error) {
	text, err := k.fetcher.FetchKeys(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("key set %s: %w", url, err)
	}
	keys, err := parseKeySet(text)
	if err != nil {
		return nil, fmt.Errorf("key set %s: %w", url, err)
	}
	return keys, nil
}

// parseKeySet keeps the public keys that can verify signatures. Keys of an
// unknown kind are passed over (RFC 7517 section 5), and so are secrets: who can
// read a set of those can sign.
func parseKeySet(text []byte) ([]jose.JSONWebKey, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("not a JSON Web Key Set: %w", err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range document.Keys[:min(len(document.Keys), maxKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) != nil || !key.Valid() || key.Use != "" && key.Use != "sig" {
			continue
		}
		if public := key.Public(); public.Key != nil {
			keys = append(keys, public)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the set has no public key for signatures")
	}
	return keys, nil
}

// Len is how many sets are kept, also those that could not be fetched.
func (k *KeySets) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.sets)
}
