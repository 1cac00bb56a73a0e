package api

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/resource"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
)

// Audit serves AuditService.
type Audit struct {
	eventsv1.UnimplementedAuditServiceServer
	log *resource.AuditLog
}

// NewAudit returns the service.
func NewAudit(log *resource.AuditLog) *Audit { return &Audit{log: log} }

// ListAuditEvents returns a page of changes of configuration, newest first.
func (s *Audit) ListAuditEvents(ctx context.Context, req *eventsv1.ListAuditEventsRequest) (*eventsv1.ListAuditEventsResponse, error) {
	filter := resource.AuditFilter{Type: req.GetType(), ObjectID: req.GetObjectId()}
	page, next, err := s.log.List(ctx, filter, int(req.GetLimit()), req.GetCursor())
	if err != nil {
		return nil, err
	}
	out := &eventsv1.ListAuditEventsResponse{NextCursor: next}
	for _, e := range page {
		object := &structpb.Struct{}
		if err := protojson.Unmarshal(e.Object, object); err != nil {
			return nil, fmt.Errorf("the audit record %s is damaged: %w", e.ID, err)
		}
		out.AuditEvents = append(out.AuditEvents, &eventsv1.AuditEvent{
			Id: e.ID, Type: e.Type, Time: timestamppb.New(e.Time), Principal: e.Principal, ObjectId: e.ObjectID, Object: object, Revision: e.Revision,
		})
	}
	return out, nil
}
