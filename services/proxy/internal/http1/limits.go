package http1

// Limits bound what is read of a message besides its body. Zero values mean the
// defaults.
type Limits struct {
	HeadBytes    int // of start line and fields; default 1,000,000
	LineBytes    int // of a request line; default 64 KiB, never above HeadBytes
	Fields       int // lines in a head; default 1,000
	TrailerBytes int // of a trailer section, also bounded by Fields; default 64 KiB
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		p *int
		n int
	}{{&l.HeadBytes, 1_000_000}, {&l.LineBytes, 64 << 10}, {&l.Fields, 1_000}, {&l.TrailerBytes, 64 << 10}} {
		if *d.p <= 0 {
			*d.p = d.n
		}
	}
	l.LineBytes = min(l.LineBytes, l.HeadBytes)
	return l
}
