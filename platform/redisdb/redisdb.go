// Package redisdb opens the Redis that keeps configuration and counters: one
// server, Sentinel or Cluster, all by URL.
package redisdb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// Config says which Redis, and under which namespace Sluice keeps its keys.
type Config struct {
	URL       string `help:"Redis: redis://[user:password@]host:port/db, rediss:// (TLS), unix://path, redis+sentinel://host:port?master_name=NAME&addr=HOST:PORT, redis+cluster://host:port?addr=HOST:PORT." default:"redis://127.0.0.1:6379/0" env:"SLUICE_REDIS_URL" name:"url"`
	Namespace string `help:"First part of every key." default:"sluice" env:"SLUICE_REDIS_NAMESPACE"`
}

// DB is a Redis client with a namespace.
type DB struct {
	redis.UniversalClient
	namespace string
}

// Open returns a client. It does not wait for the server: calls fail until it is
// there. Commands have timeouts of 3 s where the context has none.
func Open(cfg Config) (*DB, error) {
	logging.Disable() // of go-redis, which prints to standard error what callers get as errors
	client, err := open(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	ns := cfg.Namespace
	if ns == "" {
		ns = "sluice"
	}
	return &DB{UniversalClient: client, namespace: ns}, nil
}

func open(url string) (redis.UniversalClient, error) {
	switch {
	case strings.HasPrefix(url, "redis+cluster://"):
		opts, err := redis.ParseClusterURL("redis" + strings.TrimPrefix(url, "redis+cluster"))
		if err != nil {
			return nil, err
		}
		opts.ContextTimeoutEnabled = true
		return redis.NewClusterClient(opts), nil
	case strings.HasPrefix(url, "redis+sentinel://"):
		opts, err := redis.ParseFailoverURL("redis" + strings.TrimPrefix(url, "redis+sentinel"))
		if err != nil {
			return nil, err
		}
		opts.ContextTimeoutEnabled = true
		return redis.NewFailoverClient(opts), nil
	}
	opts, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	opts.ContextTimeoutEnabled = true
	return redis.NewClient(opts), nil
}

// Key is a key of shared state. All such keys live in one slot of a Redis
// Cluster, so that scripts may touch several of them.
func (db *DB) Key(parts ...string) string {
	return "{" + db.namespace + "}:" + strings.Join(parts, ":")
}

// Spread is a key that hashes by its own last part, for counters: many of them
// spread over a Redis Cluster.
func (db *DB) Spread(kind, tag string) string {
	return db.namespace + ":" + kind + ":{" + tag + "}"
}

// WaitReady waits until the server answers, at most until ctx ends. A server that
// is still loading its append-only file counts as not ready.
func (db *DB) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		err := db.Ping(attempt).Err()
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis does not answer: %w", err)
		case <-tick.C:
		}
	}
}
