package query

import (
	"context"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Storage says what the store holds.
func (s *Service) Storage(ctx context.Context) (*capturev1.GetStorageResponse, error) {
	tables, free, err := s.store.Usage(ctx)
	if err != nil {
		return nil, err
	}
	resp := &capturev1.GetStorageResponse{FreeBytes: free, ByteLimit: s.store.ByteLimit()}
	for _, t := range tables {
		one := &capturev1.GetStorageResponse_Table{
			Name: t.Table, Description: t.Description, Rows: t.Rows, Bytes: t.Bytes, RawBytes: t.RawBytes, Retention: durationpb.New(t.Retention),
		}
		if !t.Oldest.IsZero() {
			one.Oldest = timestamppb.New(t.Oldest)
		}
		resp.Tables, resp.Bytes = append(resp.Tables, one), resp.Bytes+t.Bytes
	}
	return resp, nil
}
