package capture

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/export"
)

// GetExport streams a file. Its headers go out before the first read of rows, so
// that a client can show progress.
func (c captureAPI) GetExport(req *capturev1.GetExportRequest, s grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	return c.api.following(s.Context(), func(ctx context.Context, b *backend) error {
		format, err := export.FormatOf(req.GetFormat())
		if err != nil {
			return err
		}
		query, err := b.query.Export(req)
		if err != nil {
			return err
		}
		total, err := query.Total(ctx, b.store)
		if err != nil {
			return err
		}
		if err := s.SendHeader(exportHeader(format, total)); err != nil {
			return err
		}
		out := export.Chunks(format.ContentType, s.Send)
		if err := query.Write(ctx, b.store, format, out); err != nil {
			return err
		}
		return out.Close()
	})
}

func exportHeader(f export.Format, total uint64) metadata.MD {
	return metadata.Pairs("sluice-total", strconv.FormatUint(total, 10),
		"content-disposition", `attachment; filename="`+f.FileName(time.Now())+`"`)
}
