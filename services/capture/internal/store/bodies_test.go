package store_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

const (
	request  = capturev1.BodySide_BODY_SIDE_REQUEST
	response = capturev1.BodySide_BODY_SIDE_RESPONSE
)

// noise is n bytes that differ everywhere.
func noise(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

func bodyOf(t *testing.T, s *store.Store, exchangeID string, side capturev1.BodySide) (kind string, content []byte, err error) {
	t.Helper()
	begin := func(contentType string, _ *capturev1.Body) error { kind = contentType; return nil }
	err = s.Body(context.Background(), exchangeID, side, begin, func(piece []byte) error {
		if len(piece) > 256<<10 {
			t.Errorf("a piece has %d bytes", len(piece))
		}
		content = append(content, piece...)
		return nil
	})
	return kind, content, err
}

func TestBodyBeyondItsExchangeComesBack(t *testing.T) {
	s := open(t)
	e, content := sample.Full(noon), noise(700_000)
	e.Response.Headers = []*capturev1.Header{{Name: "Content-Type", Value: "image/png"}}
	e.Response.Body = &capturev1.Body{Content: content, Size: uint64(len(content))}
	insert(t, s, batch("w", 1, e))
	got, err := s.Get(t.Context(), e.GetId())
	if err != nil {
		t.Fatal(err)
	}
	b := got.GetResponse().GetBody()
	if !bytes.Equal(b.GetContent(), content[:16<<10]) || b.GetStoredSize() != uint64(len(content)) {
		t.Errorf("the exchange has %d bytes of its body and says that %d are stored", len(b.GetContent()), b.GetStoredSize())
	}
	kind, all, err := bodyOf(t, s, e.GetId(), response)
	if err != nil || kind != "image/png" || !bytes.Equal(all, content) {
		t.Errorf("%d of %d bytes of type %q are read: %v", len(all), len(content), kind, err)
	}
	if _, small, err := bodyOf(t, s, e.GetId(), request); err != nil || !bytes.Equal(small, e.GetRequest().GetBody().GetContent()) {
		t.Errorf("the request body is %q: %v", small, err)
	}
}

// Parts come in batches of their own, before and after their exchange, and again.
func TestPartsOfBodiesAreJoined(t *testing.T) {
	s := open(t)
	e, content := sample.Full(noon), noise(1_000_000)
	e.Request.Body = &capturev1.Body{Content: content[:9000], Size: 1 << 30, Truncated: true, StoredSize: 900_000}
	part := func(from, to int) *capturev1.Batch {
		return &capturev1.Batch{Id: id.Batch.New(), BodyParts: []*capturev1.BodyPart{{
			ExchangeId: e.GetId(), Side: request, Offset: uint64(from), Content: content[from:to], ExchangeTime: timestamppb.New(noon),
		}}}
	}
	first, last, beyondAGap := store.NewBatch(part(9000, 500_000)), store.NewBatch(part(500_000, 900_000)), store.NewBatch(part(950_000, 960_000))
	insert(t, s, first)
	insert(t, s, batch("w", 1, e))
	for _, b := range []*store.Batch{last, beyondAGap} {
		insert(t, s, b)
	}
	if were, err := s.InsertAgain(t.Context(), first, last); were != 0 || err != nil {
		t.Error(were, err)
	}
	if _, all, err := bodyOf(t, s, e.GetId(), request); err != nil || !bytes.Equal(all, content[:900_000]) {
		t.Errorf("%d bytes are read: %v", len(all), err)
	}
	got, err := s.Get(t.Context(), e.GetId())
	if err != nil || got.GetRequest().GetBody().GetStoredSize() != 900_000 {
		t.Errorf("%d bytes are said to be stored: %v", got.GetRequest().GetBody().GetStoredSize(), err)
	}
}

// A proxy that ends may lose parts of a body whose exchange says that they are there.
func TestLostPartsOfABodyAreTold(t *testing.T) {
	s := open(t)
	e, content := sample.Full(noon), noise(300_000)
	e.Response.Body = &capturev1.Body{Content: content[:10_000], Size: 300_000, StoredSize: 300_000}
	e.Request.Body = &capturev1.Body{Content: content[:10_000], Size: 10_000, StoredSize: 10_000}
	insert(t, s, batch("w", 1, e))
	insert(t, s, store.NewBatch(&capturev1.Batch{Id: id.Batch.New(), BodyParts: []*capturev1.BodyPart{{
		ExchangeId: e.GetId(), Side: response, Offset: 10_000, Content: content[10_000:200_000], ExchangeTime: timestamppb.New(noon),
	}}}))
	got, err := s.Get(t.Context(), e.GetId())
	if err != nil {
		t.Fatal(err)
	}
	if b := got.GetResponse().GetBody(); !b.GetTruncated() || b.GetStoredSize() != 200_000 || b.GetSize() != 300_000 {
		t.Errorf("truncated %v, %d of %d bytes are stored", b.GetTruncated(), b.GetStoredSize(), b.GetSize())
	}
	if got.GetRequest().GetBody().GetTruncated() {
		t.Error("the whole body is said to be cut")
	}
}

func TestNoBodyIsNotFound(t *testing.T) {
	s := open(t)
	e := sample.Bare(noon)
	insert(t, s, batch("w", 1, e))
	for _, exchangeID := range []string{e.GetId(), id.Exchange.At(noon)} {
		if _, _, err := bodyOf(t, s, exchangeID, response); !errs.Is(err, errs.ReasonNotFound) {
			t.Errorf("got %v", err)
		}
	}
}

func TestMessagesInsertedAgainCountOnce(t *testing.T) {
	s := open(t)
	e := sample.Full(noon.Add(-time.Minute))
	b := batch("w", 1, e)
	insert(t, s, b)
	if _, err := s.InsertAgain(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), e.GetId())
	if err != nil || len(got.GetMessages()) != len(e.GetMessages()) {
		t.Errorf("%d messages: %v", len(got.GetMessages()), err)
	}
}
