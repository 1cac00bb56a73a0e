package ship

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/services/proxy/internal/tap"
)

func batch(n int) *capturev1.Batch {
	b := &capturev1.Batch{Id: "bt_1"}
	for i := range n {
		b.Exchanges = append(b.Exchanges, &capturev1.Exchange{
			Id: fmt.Sprintf("ex_%d", i), StartTime: timestamppb.New(time.Unix(1, 0)),
			Request:  &capturev1.Request{Method: "GET", Path: "/items/1", Headers: []*capturev1.Header{{Name: "Accept", Value: "*/*"}, {Name: "Host", Value: "api.test"}}},
			Response: &capturev1.Response{StatusCode: 200, Body: &capturev1.Body{Content: []byte(strings.Repeat("x", 1024)), Size: 1024}},
		})
	}
	return b
}

// sealed is a batch as the tap gives it.
func sealed(t testing.TB, b *capturev1.Batch) *tap.Batch {
	t.Helper()
	raw, err := protobuf.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return &tap.Batch{ID: b.GetId(), Exchanges: uint64(len(b.GetExchanges())), Raw: raw}
}

// TestSealedIsAnIngestRequest: the service sees what it would of a message.
func TestSealedIsAnIngestRequest(t *testing.T) {
	b := batch(3)
	s := sealed(t, b)
	c := codec{encoding.GetCodecV2(proto.Name)}
	for name, m := range map[string]*message{
		"sealed":  {proxyID: "px_1", batch: s},
		"message": {request: &capturev1.IngestRequest{ProxyId: "px_1", Batch: b}},
	} {
		wire, err := c.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got := &capturev1.IngestRequest{}
		if err := c.Unmarshal(wire, got); err != nil {
			t.Fatal(err)
		}
		if !protobuf.Equal(got, &capturev1.IngestRequest{ProxyId: "px_1", Batch: b}) {
			t.Errorf("%s: %v", name, got)
		}
	}
	answer, err := c.Marshal(&capturev1.IngestResponse{BatchId: "bt_1"})
	if got := (&capturev1.IngestResponse{}); err != nil || c.Unmarshal(answer, got) != nil || got.GetBatchId() != "bt_1" {
		t.Errorf("%v %v", got, err)
	}
}

func TestUnseal(t *testing.T) {
	s := sealed(t, batch(7))
	for _, foreign := range []bool{false, true} {
		got, err := unseal(s.Raw, foreign)
		if err != nil || got.ID != "bt_1" || got.Exchanges != 7 || !bytes.Equal(got.Raw, s.Raw) {
			t.Errorf("%q, %d exchanges, %v", got.ID, got.Exchanges, err)
		}
	}
	for name, raw := range map[string][]byte{"cut": s.Raw[:len(s.Raw)-1], "empty": nil, "text": []byte("no batch")} {
		if got, err := unseal(raw, false); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	inside := bytes.Replace(s.Raw, []byte("ex_3"), []byte("\xff\xff\xff\xff"), 1)
	if _, err := unseal(inside, true); err == nil {
		t.Error("what is wrong within a foreign batch passes")
	}
}

func BenchmarkUnseal(b *testing.B) {
	s := sealed(b, batch(500))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := unseal(s.Raw, false); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnmarshal is what reading a batch back from the spool would cost.
func BenchmarkUnmarshal(b *testing.B) {
	s := sealed(b, batch(500))
	b.ReportAllocs()
	for b.Loop() {
		if err := protobuf.Unmarshal(s.Raw, &capturev1.Batch{}); err != nil {
			b.Fatal(err)
		}
	}
}
