package native

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/compress"

	"sluice.dev/platform/clickhouse/embedded/engine"
)

const (
	flushAt     = 64 << 10 // bytes of packets that are gathered before they are written
	frameSize   = 1 << 20  // bytes of a block that one compressed frame holds
	maxIdleSend = 16 << 20 // capacity above which a send buffer is not kept
)

// writer gathers packets for one client. One goroutine uses it, except for
// tick, which writes a packet of its own between the others.
type writer struct {
	conn net.Conn
	buf  []byte
	lz4  *compress.Writer
	zstd *compress.Writer

	mu         sync.Mutex // held while whole packets go out
	progressed time.Time  // when the last progress was made up
}

func (w *writer) packet(code byte) { w.buf = append(w.buf, code) }
func (w *writer) string(s string)  { w.buf = appendText(w.buf, s) }
func (w *writer) uvarint(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }
func (w *writer) bool(b bool) {
	w.buf = append(w.buf, 0)
	if b {
		w.buf[len(w.buf)-1] = 1
	}
}

// flush writes the gathered packets.
func (w *writer) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.conn.Write(w.buf)
	if w.buf = w.buf[:0]; cap(w.buf) > maxIdleSend {
		w.buf = nil
	}
	return err
}

// buffered is how many bytes wait for flush.
func (w *writer) buffered() int { return len(w.buf) }

func (w *writer) flushIfFull() error {
	if len(w.buf) < flushAt {
		return nil
	}
	return w.flush()
}

// data writes a block that is already in the client's encoding.
func (w *writer) data(block []byte, method compress.Method) error {
	w.packet(serverData)
	w.string("") // no name: the main result
	if method == compress.None {
		w.buf = append(w.buf, block...)
		return w.flushIfFull()
	}
	compressor := w.compressor(method)
	for len(block) > 0 {
		n := min(len(block), frameSize)
		if err := compressor.Compress(block[:n]); err != nil {
			return fmt.Errorf("compressing a block: %w", err)
		}
		w.buf = append(w.buf, compressor.Data...)
		block = block[n:]
	}
	return w.flushIfFull()
}

func (w *writer) compressor(method compress.Method) *compress.Writer {
	if method == compress.ZSTD {
		if w.zstd == nil {
			w.zstd = compress.NewWriter(compress.LevelZero, compress.ZSTD)
		}
		return w.zstd
	}
	if w.lz4 == nil {
		w.lz4 = compress.NewWriter(compress.LevelZero, compress.LZ4)
	}
	return w.lz4
}

// exception ends a query with a failure.
func (w *writer) exception(err *engine.Error) {
	const class = "DB::Exception"
	w.packet(serverException)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(err.Code))
	w.string(class)
	w.string(class + ": " + err.Message)
	w.string("")  // no stack trace
	w.bool(false) // no nested exception
}

// beginProgress starts the clock of a query's progress packets.
func (w *writer) beginProgress() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progressed = time.Now()
}

// progress tells what was read and written since the last such packet.
func (w *writer) progress(s engine.Stats) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = w.appendProgress(w.buf, s)
}

// appendProgress adds a packet; its time is that since the last one.
func (w *writer) appendProgress(b []byte, s engine.Stats) []byte {
	const totalUnknown = 0
	now := time.Now()
	elapsed := now.Sub(w.progressed)
	w.progressed = now
	b = append(b, serverProgress)
	for _, n := range []uint64{s.RowsRead, s.BytesRead, totalUnknown, s.RowsWritten, s.BytesWritten, uint64(elapsed.Nanoseconds())} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// tick shows a waiting client that the query is alive.
func (w *writer) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.conn.Write(w.appendProgress(nil, engine.Stats{})) // a broken connection shows in the next flush
}

// profile sums up a result.
func (w *writer) profile(rows, blocks, bytes uint64) {
	w.packet(serverProfileInfo)
	w.uvarint(rows)
	w.uvarint(blocks)
	w.uvarint(bytes)
	w.bool(false) // no limit applied, as far as is known
	w.uvarint(0)
	w.bool(false)
}
