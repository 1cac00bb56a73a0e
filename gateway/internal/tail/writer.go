package tail

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"sluice.dev/gateway/internal/apierror"
)

// writer sends events at once, each within writeTimeout.
type writer struct {
	w         http.ResponseWriter
	control   *http.ResponseController
	requestID string
}

// start sends the head of the answer.
func start(w http.ResponseWriter) *writer {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // reverse proxies must not collect events
	out := &writer{w: w, control: http.NewResponseController(w), requestID: h.Get(apierror.RequestIDHeader)}
	w.WriteHeader(http.StatusOK)
	_ = out.write(fmt.Sprintf("retry: %d\n\n", reconnect)) // a client that is gone shows at the next write
	return out
}

// end takes the deadline off the connection, which may carry further requests.
func (o *writer) end() { _ = o.control.SetWriteDeadline(time.Time{}) }

func (o *writer) write(event string) error {
	_ = o.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has deadlines
	if _, err := io.WriteString(o.w, event); err != nil {
		return err
	}
	return o.control.Flush()
}
