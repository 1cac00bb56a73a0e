package query

import (
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/export"
)

// Export reads what a request wants exported.
func (s *Service) Export(req *capturev1.GetExportRequest) (q export.Query, err error) {
	if q.Filter, err = search.Parse(req.GetFilter()); err != nil {
		return q, err
	}
	q.Range, err = s.between(req.GetStartTime(), req.GetEndTime())
	q.Limit = req.GetLimit()
	q.Bodies = req.GetIncludeBodies() && req.GetFormat() != capturev1.ExportFormat_EXPORT_FORMAT_CSV
	return q, err
}
