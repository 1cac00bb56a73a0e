// Package run measures peers in rounds, one after the other in each, so that what
// the machine does meanwhile meets all of them alike.
package run

import (
	"time"

	"sluice.dev/bench/internal/machine"
	"sluice.dev/bench/internal/peer"
)

// Config is how much is measured.
type Config struct {
	Rounds      int
	Seconds     float64 // of each saturated run, and of each run at a fixed rate
	Connections int
	Rate        int     // requests a second of the runs at a fixed rate
	Crowd       int     // connections at which memory is measured; 0: it is not
	Foreign     float64 // share of the machine that others may use in a run that counts
	Repeats     int     // times that a run which does not count is repeated
	Budget      time.Duration
}

// Results are the raw figures of a run, and what they were made with.
type Results struct {
	Started time.Time         `json:"started"`
	Took    string            `json:"took"`
	Machine string            `json:"machine"`
	Config  map[string]any    `json:"config"`
	Peers   []Title           `json:"peers"`
	Samples []Sample          `json:"samples"`
	Memory  map[string]int64  `json:"memory_bytes"` // of the proxy, with many connections
	Version map[string]string `json:"versions"`
}

// Title is a peer that was measured.
type Title struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Sample is one peer in one round.
type Sample struct {
	Peer      string    `json:"peer"`
	Round     int       `json:"round"`
	Saturated Saturated `json:"saturated"`
	AtRate    AtRate    `json:"at_rate"`
}

// Disturbance says who else used the machine during a run.
type Disturbance struct {
	Foreign machine.Foreign `json:"foreign"`
	Counts  bool            `json:"counts"` // nobody else used enough to matter
}

// Saturated is a run with every connection busy.
type Saturated struct {
	Disturbance
	Requests   uint64                 `json:"requests"`
	PerSecond  float64                `json:"per_second"`
	Micros     map[peer.Group]float64 `json:"cpu_us_per_request"` // user and system time
	P50Micros  float64                `json:"p50_us"`
	P99Micros  float64                `json:"p99_us"`
	Exchanges  map[string]float64     `json:"exchanges,omitempty"` // by what became of them
	SettleTook float64                `json:"settle_s,omitempty"`  // until the last record was stored
}

// AtRate is a run at a fixed rate.
type AtRate struct {
	Disturbance
	P50Micros float64                `json:"p50_us"`
	P99Micros float64                `json:"p99_us"`
	Micros    map[peer.Group]float64 `json:"cpu_us_per_request"`
}
