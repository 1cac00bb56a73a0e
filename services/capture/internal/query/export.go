package query

import (
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/export"
)

// Export reads what a request wants exported.
func (s *Service) Export(req *capturev1.GetExportRequest) (q export.Query, err error) {
	q.Filter, q.Range, err = s.asked(req)
	q.Limit = req.GetLimit()
	q.Bodies = req.GetIncludeBodies() && req.GetFormat() != capturev1.ExportFormat_EXPORT_FORMAT_CSV
	return q, err
}
