package benchmark

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

func TestTrafficIsSkewedAndRepeatable(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	b := batchOf(1, 20_000, at, time.Millisecond)
	routes, statuses, full, size := map[string]int{}, map[uint32]int{}, 0, 0
	for _, e := range b.GetExchanges() {
		routes[e.GetRequest().GetMethod()+e.GetRoute()]++
		statuses[e.GetResponse().GetStatusCode()]++
		size += proto.Size(e)
		if e.GetFullCapture() {
			full++
		}
	}
	if len(routes) < 40 || routes["GET/api/v1/orders"] < 2000 || statuses[200] < 10_000 || statuses[503] == 0 || full < 5000 {
		t.Errorf("routes %v, statuses %v, %d with bodies", routes, statuses, full)
	}
	t.Logf("%d bytes an exchange", size/len(b.GetExchanges()))
	if !proto.Equal(b.GetExchanges()[7], batchOf(1, 10, at, time.Millisecond).GetExchanges()[7]) {
		t.Error("the same seed makes another exchange")
	}
}
