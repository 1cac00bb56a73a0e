package tap

import (
	"io"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
)

// Recording is one exchange while it happens. The exported fields are set by the
// goroutine that serves it. A nil Recording takes no notes.
type Recording struct {
	Endpoint       *message.Endpoint
	PolicyRevision uint64
	Policy         Policy
	PolicyTime     time.Duration
	Secrets        []*redact.Secret // that the policy read: kept out of the record wherever they stand
	ReplayOf       string
	ErrorCode      string
	ErrorMessage   string
	TraceID        string // W3C; "" means: what the request's traceparent says
	Upstream       UpstreamCall

	id       string
	settings *settings
	conn     *message.Conn
	start    time.Time
	end      time.Time
	size     int // estimate of what the record takes in memory

	method, scheme, host, target, proto string
	header                              message.Header
	reqBody                             *body
	hasBody                             bool

	response  bool
	status    int
	resHeader message.Header
	resBody   *body
	firstByte time.Time
}

// UpstreamCall is the last call to the upstream. Times that are zero are not known.
type UpstreamCall struct {
	Address      string // host:port, or the URL of an internal endpoint; "" when none was called
	Proto        string // "HTTP/1.1", "HTTP/2.0"; "" without a response
	Reused       bool   // the connection had served before
	Sent         time.Time
	Connect      time.Duration
	TLSHandshake time.Duration
	FirstByte    time.Duration // from the request sent to the response's first byte
	Failed       []UpstreamAttempt
}

// UpstreamAttempt is a call that was tried again.
type UpstreamAttempt struct {
	Address  string
	Sent     time.Time
	Duration time.Duration
	Status   int    // 0 without a response
	Error    string // "" when the status was the failure
}

// Policy is what the Traffic Policy did.
type Policy struct {
	Rule, Action               string
	RateLimit, RateLimitBucket string
	BasicAuth, UserName        string
	Decisions                  map[string]string // of further actions, by name
	Logs                       []map[string]any
	Trace                      trafficpolicy.Trace
}

// Respond notes the head that is about to be sent and wraps the body.
func (r *Recording) Respond(res *message.Response) {
	if r == nil {
		return
	}
	r.head(res)
	if res.Body != nil {
		res.Body = &tappedBody{source: res.Body, into: r.resBody, trailer: &res.Trailer}
	}
	if n := res.ContentLength; n > 0 && r.resBody.keep > 0 {
		r.resBody.content = make([]byte, 0, min(int64(r.resBody.keep), n))
	}
}

func (r *Recording) head(res *message.Response) {
	r.response, r.status, r.resHeader, r.firstByte = true, res.Status, res.Header, time.Now()
}

// Upgrade notes a 101 response and counts what then passes both ways; contents
// are not kept.
func (r *Recording) Upgrade(res *message.Response, upstream io.ReadWriteCloser) io.ReadWriteCloser {
	if r == nil {
		return upstream
	}
	r.head(res)
	r.reqBody.stop()
	r.reqBody, r.resBody = new(body), new(body)
	return &tappedStream{ReadWriteCloser: upstream, record: r}
}

// Fail notes why the gateway answered by itself, or what went wrong.
func (r *Recording) Fail(code, text string) {
	if r != nil {
		r.ErrorCode, r.ErrorMessage = code, text
	}
}

// overhead is about what a record takes besides texts and bodies.
const overhead = 1 << 10

// seal ends the notes of bodies that are still being read and estimates the size.
func (r *Recording) seal() {
	r.reqBody.stop()
	r.resBody.stop()
	r.size = overhead + traceSize(r.Policy.Trace) + len(r.target)*2 + len(r.host) + cap(r.reqBody.content) + cap(r.resBody.content)
	for _, h := range []message.Header{r.header, r.resHeader, r.reqBody.trailer, r.resBody.trailer} {
		r.size += headerSize(h) + len(h)*64
	}
}

// headerSize is how many bytes h takes in an HTTP/1.1 head.
func headerSize(h message.Header) int {
	n := 0
	for _, f := range h {
		n += len(f.Name) + len(": \r\n") + len(f.Value)
	}
	return n
}
