package proxy

import (
	"context"
	"errors"
	"sync"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/telemetry"
	"sluice.dev/services/proxy/internal/certs"
	"sluice.dev/services/proxy/internal/front"
)

// listeners are the front ends. They stop together: a proxy that drains takes
// requests on none of them.
type listeners []*front.Server

// Run implements lifecycle.Part.
func (ls listeners) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(ls))
	var group sync.WaitGroup
	for i, l := range ls {
		group.Go(func() {
			defer stop() // one that fails takes the others along
			errs[i] = l.Run(ctx)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// openListeners binds the addresses.
func (s *Service) openListeners(tel *telemetry.T) (err error) {
	cfg := front.Config{
		HeadLimit: s.cfg.HeadLimit, ReadHeaderTimeout: s.cfg.ReadHeaderTimeout, IdleTimeout: s.cfg.IdleTimeout, WriteTimeout: s.cfg.WriteTimeout,
		DrainTimeout: s.cfg.DrainTimeout, ProxyProtocol: s.cfg.ProxyProtocol,
	}
	metrics := front.NewMetrics(tel.Registry)
	if s.cfg.HTTPListen != off {
		if s.http, err = front.Listen(s.cfg.HTTPListen, cfg, s.gateway, nil, metrics, s.log); err != nil {
			return err
		}
	}
	if s.cfg.HTTPSListen == off {
		return nil
	}
	files := certs.Config{Files: s.cfg.TLSCertificates, CertFile: s.cfg.CertFile, KeyFile: s.cfg.KeyFile, AuthorityDir: s.cfg.CADir}
	if s.certs, err = certs.Open(files, clock.System{}, s.log); err != nil {
		return err
	}
	if file := s.certs.AuthorityFile(); file != "" {
		s.log.Info("HTTPS certificates for names without one are signed by the local CA; have clients trust it", "ca", file)
	}
	s.https, err = front.Listen(s.cfg.HTTPSListen, cfg, s.gateway, &front.TLS{Certificates: s.certs, Terms: s.secure}, metrics, s.log)
	return err
}

// reloaders look for files that change.
func (s *Service) reloaders() (out reloaders) {
	if s.certs != nil {
		out = append(out, s.certs)
	}
	if s.ipData != nil {
		out = append(out, s.ipData)
	}
	return out
}

type reloaders []interface{ Run(context.Context) error }

// Run implements lifecycle.Part.
func (rs reloaders) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, r := range rs {
		group.Go(func() { _ = r.Run(ctx) }) // never fails: it logs
	}
	<-ctx.Done()
	group.Wait()
	return nil
}
