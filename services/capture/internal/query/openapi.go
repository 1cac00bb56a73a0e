package query

import (
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/search"
	"sluice.dev/services/capture/internal/export"
)

// defaultSample is how many exchanges show an endpoint well enough.
const defaultSample = 10_000

// Sample is the newest exchanges of an endpoint, with their bodies.
func (s *Service) Sample(endpointID string, start, end *timestamppb.Timestamp, size int32) (q export.Query, err error) {
	id := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(endpointID)
	if q.Filter, err = search.Parse(`@endpoint.id:"` + id + `"`); err != nil {
		return q, err
	}
	q.Range, err = s.between(start, end)
	q.Limit, q.Bodies, q.Newest = uint64(orDefault(size, defaultSample)), true, true //nolint:gosec // checked to be positive
	return q, err
}
