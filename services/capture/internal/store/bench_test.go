package store_test

import (
	"fmt"
	"testing"
	"time"

	"sluice.dev/platform/id"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

func BenchmarkInsert(b *testing.B) {
	for _, size := range []int{200, 1000, 4000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			s := open(b)
			exchanges := sample.Some(1, size, time.Now().Add(-time.Minute), time.Microsecond)
			for i := range b.N {
				one := store.NewBatch(&capturev1.Batch{Id: id.Batch.New(), Exchanges: exchanges})
				one.Stamp("w", uint64(1+i*size))
				insert(b, s, one)
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkLayOut(b *testing.B) {
	exchanges := sample.Some(1, 1000, time.Now().Add(-time.Minute), time.Microsecond)
	b.ReportAllocs()
	for b.Loop() {
		store.NewBatch(&capturev1.Batch{Id: "x", Exchanges: exchanges})
	}
}
