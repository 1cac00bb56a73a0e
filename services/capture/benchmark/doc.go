// Package benchmark fills a store with exchanges that look like a real API's, and
// measures how fast they are stored and found. Everything goes through the store's
// and the service's own code; bench/exchanges is its command.
package benchmark
