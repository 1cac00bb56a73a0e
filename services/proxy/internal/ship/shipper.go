// Package ship brings recorded exchanges to the capture service: in batches with
// ids of their own, over one stream with acknowledgements, and by way of a spool
// on disk while the service is away or slow.
//
// It never makes the tap wait. What it cannot keep it counts.
package ship

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/spool"
	"sluice.dev/services/proxy/internal/tap"
)

// Bounds of what is sent and not acknowledged yet.
const (
	windowBatches = 16
	windowBytes   = 32 << 20
)

// Times of the shipper.
const (
	sealEvery   = 100 * time.Millisecond // oldest record of a batch, at most
	reportEvery = time.Second            // accounting, when it changed
	flushFor    = 3 * time.Second        // at the end, for acknowledgements to come
	goodbyeFor  = time.Second            // at the very end, for the service to end the stream
)

// Tap is where records come from.
type Tap interface {
	Batch() *tap.Batch
	Lost() // the last batch is
	Reuse(*tap.Batch)
	Ready() <-chan struct{}
	FullBatch() bool
	OverHalf() bool
	Empty() bool
}

// Shipper is one proxy's way to the capture service.
type Shipper struct {
	tap     Tap
	ledger  *tap.Ledger
	spool   *spool.Spool
	adopted []*spool.Spool // left by proxies that are gone; read before spool
	proxyID string
	client  capturev1.IngestServiceClient
	log     *slog.Logger

	link     *link
	window   []*parcel // sent or to be sent again, not acknowledged, oldest first
	onDisk   []*parcel // those of window that came from a spool
	due      bool      // what waits is old enough to be sent
	reported tap.Counts
	troubled bool // the spool failed; said once
}

// parcel is a batch on its way.
type parcel struct {
	*tap.Batch
	from      *spool.Spool // nil when it came straight from the tap
	end       spool.Position
	recovered bool // of an earlier run
	acked     bool
	again     bool // it was sent on more than one stream
}

// New returns a shipper. It owns the spools and closes them at the end of Run.
func New(t Tap, ledger *tap.Ledger, spools []*spool.Spool, proxyID string, client capturev1.IngestServiceClient, log *slog.Logger) *Shipper {
	return &Shipper{tap: t, ledger: ledger, spool: spools[0], adopted: spools[1:], proxyID: proxyID, client: client, log: log}
}

// Run ships until ctx ends; then it hands over what is left: to the capture
// service if that answers in time, else to the spool.
func (s *Shipper) Run(ctx context.Context) error {
	events := make(chan event)
	linking, unlink := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() { defer close(ended); keepLinked(linking, s.client, events, s.log) }()
	defer func() { unlink(); <-ended }()

	seal, report := time.NewTicker(sealEvery), time.NewTicker(reportEvery)
	defer seal.Stop()
	defer report.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.flush(events)
		case e := <-events:
			s.handle(e)
		case <-s.tap.Ready():
		case <-seal.C:
			s.due = true
		case <-report.C:
			s.report(false)
		}
		s.pump()
	}
}

// flush ends the shipping.
func (s *Shipper) flush(events <-chan event) error {
	late := time.NewTimer(flushFor)
	defer late.Stop()
	for waiting := true; waiting; {
		s.due = true
		s.pump()
		if s.link == nil || len(s.window) == 0 && s.tap.Empty() {
			break
		}
		select {
		case e := <-events:
			s.handle(e)
		case <-late.C:
			waiting = false
		}
	}
	for !s.tap.Empty() {
		s.spoolNext()
	}
	for _, p := range s.window {
		if p.from == nil {
			s.store(p.Batch)
		}
	}
	s.sayGoodbye(events)
	if n := s.ledger.Counts().Pending; n > 0 {
		s.log.Info("records wait in the spool for the next start", "exchanges", n)
	}
	return s.Close()
}

// sayGoodbye sends the last accounting and waits, for a moment, until the service
// has read all.
func (s *Shipper) sayGoodbye(events <-chan event) {
	s.report(true)
	if s.link == nil {
		return
	}
	close(s.link.out)
	late := time.NewTimer(goodbyeFor)
	defer late.Stop()
	for s.link != nil {
		select {
		case e := <-events:
			s.handle(e)
		case <-late.C:
			return
		}
	}
}

// Close closes the spools of a shipper that does not run.
func (s *Shipper) Close() error {
	errs := []error{s.spool.Close()}
	for _, a := range s.adopted {
		errs = append(errs, a.Close())
	}
	return errors.Join(errs...)
}

// pump moves batches: to the capture service while it takes them, to the spool
// when it does not.
func (s *Shipper) pump() {
	for s.link != nil && s.room() {
		p := s.nextParcel()
		if p == nil {
			break
		}
		s.window = append(s.window, p)
		s.link.send(&message{proxyID: s.proxyID, batch: p.Batch})
	}
	for s.mustSpool() {
		s.spoolNext()
	}
	if s.tap.Empty() {
		s.due = false
	}
}

// spoolNext takes the next batch to the spool.
func (s *Shipper) spoolNext() {
	b := s.tap.Batch()
	if b == nil {
		return
	}
	if !s.store(b) {
		s.tap.Lost()
	}
	s.tap.Reuse(b)
}

func (s *Shipper) room() bool {
	bytes := 0
	for _, p := range s.window {
		bytes += len(p.Raw)
	}
	return len(s.window) < windowBatches && bytes < windowBytes
}

// mustSpool reports whether records have to leave memory for the disk: at once
// while the service is away, and when it is so slow that memory runs out.
func (s *Shipper) mustSpool() bool {
	if s.tap.Empty() {
		return false
	}
	return s.tap.OverHalf() || s.link == nil && (s.due || s.tap.FullBatch())
}

// nextParcel takes the oldest batch that waits: from a spool, else from the tap.
func (s *Shipper) nextParcel() *parcel {
	for _, from := range s.adopted {
		if p := s.unspool(from); p != nil {
			return p
		}
	}
	if p := s.unspool(s.spool); p != nil {
		return p
	}
	if s.tap.Empty() || !s.due && !s.tap.FullBatch() {
		return nil
	}
	if b := s.tap.Batch(); b != nil {
		return &parcel{Batch: b}
	}
	return nil
}

func (s *Shipper) handle(e event) {
	switch {
	case e.up != nil:
		s.link = e.up
		for _, p := range s.window { // the service may have lost them
			p.again = true
			s.link.send(&message{proxyID: s.proxyID, batch: p.Batch})
		}
		s.report(true)
	case e.acked != "":
		s.acknowledge(e.acked)
	default:
		s.link = nil
	}
}

func (s *Shipper) acknowledge(id string) {
	at := slices.IndexFunc(s.window, func(p *parcel) bool { return p.ID == id })
	if at < 0 {
		return // the second acknowledgement of a batch that was sent twice
	}
	p := s.window[at]
	s.window = slices.Delete(s.window, at, at+1)
	p.acked = true
	if p.recovered {
		s.ledger.Recovered(p.Exchanges)
	} else {
		s.ledger.Stored(p.Exchanges)
	}
	s.forget()
	if p.from == nil && !p.again { // else a stream that broke may still read it
		s.tap.Reuse(p.Batch)
	}
}

// report sends the accounting when it changed since the last time.
func (s *Shipper) report(always bool) {
	counts := s.ledger.Counts()
	if s.link == nil || counts == s.reported && !always {
		return
	}
	if s.link.trySend(&message{request: &capturev1.IngestRequest{ProxyId: s.proxyID, Accounting: counts.Report(s.proxyID, time.Now())}}) {
		s.reported = counts
	}
}
