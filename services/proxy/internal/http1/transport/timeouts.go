package transport

import "time"

// Timeouts bound the parts of a call. Zero means: no limit of its own. They end a
// call late rather than early, by up to a quarter.
type Timeouts struct {
	Connect   time.Duration // to connect, TLS included
	FirstByte time.Duration // from the request sent to the response's first byte
	Pause     time.Duration // between two bytes of a body
}

// or fills in what t leaves open.
func (t Timeouts) or(cfg Config) Timeouts {
	for _, f := range []struct{ own, other *time.Duration }{
		{&t.Connect, &cfg.Timeouts.Connect}, {&t.FirstByte, &cfg.Timeouts.FirstByte}, {&t.Pause, &cfg.Timeouts.Pause},
	} {
		if *f.own == 0 {
			*f.own = *f.other
		}
	}
	return t
}
