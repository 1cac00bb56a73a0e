package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"

	"sluice.dev/gateway/internal/apierror"
	"sluice.dev/gateway/internal/auth"
	"sluice.dev/platform/errs"
)

// bodyTimeout bounds how long a client may take to send its body.
const bodyTimeout = 30 * time.Second

// admit lets a request through when its key may make the call.
func (t *routes) admit(gate auth.Gate) runtime.Middleware {
	return func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
			method, err := t.of(r)
			if err != nil {
				apierror.Write(w, err)
				return
			}
			caller, err := gate.Admit(r.Context(), r.Header.Get("Authorization"), method)
			if err != nil {
				apierror.Write(w, err)
				return
			}
			// What follows must neither see the token nor take its deadline from the client.
			r.Header.Del("Authorization")
			r.Header.Del("Grpc-Timeout")
			ctx, cancel := method.Bounded(context.WithValue(r.Context(), callerKey{}, caller))
			defer cancel()
			next(w, r.WithContext(ctx), params)
		}
	}
}

// checkInput refuses what gRPC-Gateway would ignore: parameters nobody knows,
// bodies that are not JSON.
func (t *routes) checkInput(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		method, err := t.of(r)
		if err == nil {
			err = checkParameters(r.URL.RawQuery, method)
		}
		if err == nil && method.Body != "" {
			err = checkBody(w, r)
		}
		if err != nil {
			apierror.Write(w, err)
			return
		}
		next(w, r, params)
	}
}

// checkBody also keeps a web page of another origin from writing with a plain
// form, which browsers send without asking.
func checkBody(w http.ResponseWriter, r *http.Request) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return errs.New(codes.InvalidArgument, apierror.ReasonMediaType, "the body must be JSON: send the header \"content-type: application/json\"")
	}
	if r.ContentLength > MaxBody {
		return tooLarge()
	}
	return readBody(w, r)
}

// readBody takes the body in now, so that the time limit is over before the call
// begins: net/http would end a call that takes longer.
func readBody(w http.ResponseWriter, r *http.Request) error {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout)) // not every writer has deadlines
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge()
	case err != nil:
		return errs.Invalid("the body could not be received whole").Because(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return nil
}

func tooLarge() error {
	return errs.New(codes.InvalidArgument, errs.ReasonTooLarge, "the body is larger than %d bytes", MaxBody)
}
