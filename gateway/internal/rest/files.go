package rest

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/gateway/internal/apierror"
	"sluice.dev/platform/errs"
)

type fileStream = grpc.ServerStreamingClient[httpbody.HttpBody]

// opener starts the stream of a file for a request.
type opener func(ctx context.Context, r *http.Request, params map[string]string) (fileStream, error)

// handleFiles serves the methods whose answer is a file. gRPC-Gateway's own form of
// them ends a file that breaks off as if it were whole.
func handleFiles(mux *runtime.ServeMux, capture capturev1.CaptureServiceClient) error {
	for pattern, open := range map[string]opener{
		"/api/v1/exchanges:export": func(ctx context.Context, r *http.Request, _ map[string]string) (fileStream, error) {
			req := &capturev1.GetExportRequest{}
			if err := runtime.PopulateQueryParameters(req, r.URL.Query(), utilities.NewDoubleArray(nil)); err != nil {
				return nil, readable(status.Error(codes.InvalidArgument, err.Error()))
			}
			return capture.GetExport(ctx, req)
		},
		"/api/v1/exchanges/{id}/request_body": func(ctx context.Context, _ *http.Request, params map[string]string) (fileStream, error) {
			return capture.GetRequestBody(ctx, &capturev1.GetRequestBodyRequest{Id: params["id"]})
		},
		"/api/v1/exchanges/{id}/response_body": func(ctx context.Context, _ *http.Request, params map[string]string) (fileStream, error) {
			return capture.GetResponseBody(ctx, &capturev1.GetResponseBodyRequest{Id: params["id"]})
		},
	} {
		if err := mux.HandlePath(http.MethodGet, pattern, file(open)); err != nil {
			return err
		}
	}
	return nil
}

func file(open opener) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		stream, err := open(Outgoing(r.Context()), r, params)
		var first *httpbody.HttpBody
		if err == nil {
			first, err = stream.Recv()
		}
		if err != nil {
			apierror.Write(w, errs.FromGRPC(err))
			return
		}
		setFileHeader(w.Header(), stream, first.GetContentType())
		if err := copyFile(w, first, stream); err != nil {
			panic(http.ErrAbortHandler) // the client must see that the file is not whole
		}
	}
}

// setFileHeader says what a file is. It may hold whatever clients and upstreams
// sent, so a browser must neither show it as a page of the console's nor guess its
// type.
func setFileHeader(h http.Header, stream fileStream, contentType string) {
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", "attachment")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	said, err := stream.Header()
	if err != nil {
		return // the stream tells it again
	}
	for _, name := range []string{"Sluice-Total", "Sluice-Incomplete", "Content-Disposition"} {
		if v := said.Get(name); len(v) > 0 {
			h.Set(name, v[0])
		}
	}
}

func copyFile(w http.ResponseWriter, part *httpbody.HttpBody, stream fileStream) (err error) {
	for err == nil {
		if _, err = w.Write(part.GetData()); err == nil {
			part, err = stream.Recv()
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
