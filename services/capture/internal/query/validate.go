package query

import (
	"context"
	"strings"

	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

// Validate reads a filter without searching by it. Whether attributes are known is
// looked up in the exchanges of the last 24 hours.
func (s *Service) Validate(ctx context.Context, req *capturev1.ValidateSearchRequest) (*capturev1.ValidateSearchResponse, error) {
	filter, err := search.Parse(req.GetFilter())
	if err != nil {
		return nil, err
	}
	between, err := s.between(nil, nil)
	if err != nil {
		return nil, err
	}
	return &capturev1.ValidateSearchResponse{
		Printed: filter.String(), Cel: filter.CEL(), UnknownFields: s.unknown(ctx, filter, between), Hints: hints(filter),
	}, nil
}

// hints is what may be wrong with a filter, and what makes it slow.
func hints(filter *search.Query) []string {
	var all []string
	for _, w := range filter.Warnings() {
		all = append(all, w.Message)
	}
	return append(all, filter.Hints()...)
}

// maxAttributes bounds the attributes of a filter that are looked up; further ones
// count as unknown.
const maxAttributes = 8

// unknown lists the names in a filter that the table of fields does not have, and no
// log entry of the range either. One that cannot be looked up, because that would
// read too much, is not called unknown.
func (s *Service) unknown(ctx context.Context, filter *search.Query, between store.Range) (missing []string) {
	looked := 0
	for _, name := range filter.UnknownFields() {
		if strings.HasPrefix(name, "@") && looked < maxAttributes {
			looked++
			if n, err := s.store.Count(ctx, between, search.Exists(name)); err != nil || n > 0 {
				continue
			}
		}
		missing = append(missing, name)
	}
	return missing
}
