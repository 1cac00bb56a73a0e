package capture_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
)

// BenchmarkIngest measures rows stored and acknowledged through the gRPC service,
// into the engine in a child process of this machine, with durable inserts.
func BenchmarkIngest(b *testing.B) {
	for _, size := range []int{200, 1000, 4000} {
		for _, streams := range []int{1, 4} {
			b.Run(fmt.Sprintf("batch=%d/streams=%d", size, streams), func(b *testing.B) { benchmarkIngest(b, size, streams) })
		}
	}
}

func benchmarkIngest(b *testing.B, size, streams int) {
	p := install(b).start("w1")
	batches := make([]*capturev1.Batch, b.N)
	pool := sample.Some(1, size, time.Now().Add(-time.Minute), time.Microsecond)
	for i := range batches {
		batches[i] = newBatch(pool...)
	}
	b.SetBytes(int64(size * proto.Size(pool[0])))
	b.ResetTimer()
	done := make(chan struct{})
	for n := range streams {
		go func() {
			defer func() { done <- struct{}{} }()
			var mine []*capturev1.Batch
			for i := n; i < len(batches); i += streams {
				mine = append(mine, batches[i])
			}
			pump(p.connect(), mine)
		}()
	}
	for range streams {
		<-done
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "rows/s")
}

// pump sends batches as fast as they are taken.
func pump(s stream, batches []*capturev1.Batch) {
	go func() {
		for _, one := range batches {
			if s.Send(&capturev1.IngestRequest{ProxyId: "px_1", Batch: one}) != nil {
				return // Recv tells
			}
		}
	}()
	for range batches {
		if _, err := s.Recv(); err != nil {
			s.t.Error(err)
			return
		}
	}
}
