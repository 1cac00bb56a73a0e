package proxy

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	proxyv1 "sluice.dev/proto/gen/sluice/proxy/v1"

	"sluice.dev/services/proxy/internal/control"
	"sluice.dev/services/proxy/internal/pipeline"
)

// status implements proxyv1.ProxyServiceServer.
type status struct {
	proxyv1.UnimplementedProxyServiceServer
	proxyID string
	started time.Time
	store   *control.Store
	watcher *control.Watcher
	gateway *pipeline.Gateway
}

// GetStatus tells what this proxy serves now.
func (s *status) GetStatus(context.Context, *proxyv1.GetStatusRequest) (*proxyv1.GetStatusResponse, error) {
	res := &proxyv1.GetStatusResponse{
		ProxyId: s.proxyID, Connected: s.watcher.Connected(), StartedAt: timestamppb.New(s.started), ActiveRequests: s.gateway.Active(),
	}
	if state := s.store.State(); state != nil {
		res.Revision = state.Revision
		res.Endpoints = uint32(state.Endpoints()) // #nosec G115 -- far below 2^32
	}
	return res, nil
}
