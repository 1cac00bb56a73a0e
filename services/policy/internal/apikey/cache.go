package apikey

import (
	"crypto/sha256"
	"sync"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/clock"
)

const (
	// cacheLife bounds how long a revoked key may still work when this process
	// cannot hear from Redis. Otherwise the change feed ends it at once.
	cacheLife = 30 * time.Second
	cacheSize = 10_000
)

// cache holds keys that were found in the store. It is emptied rather than
// trimmed when full: it fills again by one look-up for each key in use.
type cache struct {
	clock   clock.Clock
	mu      sync.Mutex
	version uint64 // changes whenever a key may have become invalid
	keys    map[[sha256.Size]byte]cached
}

type cached struct {
	key     *policyv1.ApiKey
	expires time.Time
}

func newCache(c clock.Clock) *cache {
	return &cache{clock: c, keys: map[[sha256.Size]byte]cached{}}
}

// find returns a key, or the version that a look-up in the store must give back
// to put.
func (c *cache) find(sum [sha256.Size]byte) (key *policyv1.ApiKey, version uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if hit, ok := c.keys[sum]; ok && c.clock.Now().Before(hit.expires) {
		return hit.key, c.version
	}
	return nil, c.version
}

// put keeps a key, unless a key changed since version was given: then what was
// looked up may be the state before that change.
func (c *cache) put(sum [sha256.Size]byte, key *policyv1.ApiKey, version uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version != c.version {
		return
	}
	if len(c.keys) >= cacheSize {
		clear(c.keys)
	}
	c.keys[sum] = cached{key: key, expires: c.clock.Now().Add(cacheLife)}
}

// forget drops the keys with this id, or all when it is empty.
func (c *cache) forget(keyID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	for sum, hit := range c.keys {
		if keyID == "" || hit.key.GetId() == keyID {
			delete(c.keys, sum)
		}
	}
}
