package http1

import "sync"

// The sizes of pooled buffers. What is larger is left to the garbage collector.
const (
	smallBuffer  = 4 << 10  // a connection that reads heads
	middleBuffer = 16 << 10 // a connection that writes
	largeBuffer  = 64 << 10 // a large body on its way
)

var pools = [3]struct {
	size int
	sync.Pool
}{{size: smallBuffer}, {size: middleBuffer}, {size: largeBuffer}}

// takeBuffer returns a buffer of at least n bytes.
func takeBuffer(n int) *[]byte {
	for i := range pools {
		p := &pools[i]
		if n > p.size {
			continue
		}
		if b, ok := p.Get().(*[]byte); ok {
			return b
		}
		b := make([]byte, p.size)
		return &b
	}
	b := make([]byte, n)
	return &b
}

// giveBuffer takes back what takeBuffer returned.
func giveBuffer(b *[]byte) {
	for i := range pools {
		if len(*b) == pools[i].size {
			pools[i].Put(b)
		}
	}
}
