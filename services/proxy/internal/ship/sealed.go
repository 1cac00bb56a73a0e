package ship

import (
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	protobuf "google.golang.org/protobuf/proto"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/services/proxy/internal/tap"
)

const (
	batchID        protowire.Number = 1 // of Batch
	batchExchanges protowire.Number = 2 // of Batch
	requestProxyID protowire.Number = 1 // of IngestRequest
	requestBatch   protowire.Number = 2 // of IngestRequest
)

var errNoBatch = errors.New("it is no batch")

// unseal finds the id and the number of exchanges of an encoded batch. What this
// process has not written itself is checked to the end.
func unseal(raw []byte, foreign bool) (*tap.Batch, error) {
	if foreign {
		if err := protobuf.Unmarshal(raw, &capturev1.Batch{}); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoBatch, err)
		}
	}
	s := &tap.Batch{Raw: raw}
	for rest := raw; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return nil, fmt.Errorf("%w: %w", errNoBatch, protowire.ParseError(n))
		}
		rest = rest[n:]
		size := protowire.ConsumeFieldValue(number, kind, rest)
		if size < 0 {
			return nil, fmt.Errorf("%w: %w", errNoBatch, protowire.ParseError(size))
		}
		switch {
		case kind != protowire.BytesType:
		case number == batchID:
			id, _ := protowire.ConsumeString(rest)
			s.ID = id
		case number == batchExchanges:
			s.Exchanges++
		}
		rest = rest[size:]
	}
	if s.ID == "" {
		return nil, fmt.Errorf("%w: it has no id", errNoBatch)
	}
	return s, nil
}

// message is what a link sends: a capturev1.IngestRequest, or a sealed batch of a
// proxy in the same encoding.
type message struct {
	request *capturev1.IngestRequest // nil: the batch
	proxyID string
	batch   *tap.Batch
}

// buffers is the batch as an encoded capturev1.IngestRequest.
func (m *message) buffers() mem.BufferSlice {
	head := protowire.AppendTag(nil, requestProxyID, protowire.BytesType)
	head = protowire.AppendString(head, m.proxyID)
	head = protowire.AppendTag(head, requestBatch, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(m.batch.Raw)))
	return mem.BufferSlice{mem.SliceBuffer(head), mem.SliceBuffer(m.batch.Raw)}
}

// codec is that of protobuf, for messages that are encoded already.
type codec struct{ encoding.CodecV2 }

// asSealed makes a stream take *message.
func asSealed() grpc.CallOption { return grpc.ForceCodecV2(codec{encoding.GetCodecV2(proto.Name)}) }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*message)
	switch {
	case !ok:
		return c.CodecV2.Marshal(v)
	case m.request != nil:
		return c.CodecV2.Marshal(m.request)
	}
	return m.buffers(), nil
}
