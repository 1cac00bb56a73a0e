package tap

import (
	"io"
	"strings"
	"sync"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/coding"
)

// Recording is one exchange while it happens. The exported fields are set by the
// goroutine that serves it. A nil Recording takes no notes.
type Recording struct {
	Endpoint       *message.Endpoint
	PolicyRevision uint64
	Policy         Policy
	PolicyTime     time.Duration
	ReplayOf       string
	ErrorCode      string
	ErrorMessage   string
	TraceID        string // W3C; "" means: what the request's traceparent says
	Upstream       UpstreamCall
	Run            *trafficpolicy.Run // of the policy; nil when none ran

	id       string
	tap      *Tap
	settings *settings
	plan     plan
	lot      float64 // below the plan's share: part of the sample
	kept     bool    // by the policy
	keptBy   string
	req      *message.Request  // as it is at the end
	res      *message.Response // nil when there was none
	messages *messages
	findings []finding
	values   []string // of the head that were replaced

	mu      sync.Mutex
	secrets []*redact.Secret

	conn  *message.Conn
	start time.Time
	end   time.Time
	size  int // estimate of what the record takes in memory

	method, scheme, host, target, proto string
	header                              message.Header
	reqBody                             *body
	hasBody                             bool

	own bodies

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
		r.own.readResponse = tappedBody{source: res.Body, into: r.resBody, trailer: &res.Trailer}
		res.Body = &r.own.readResponse
	}
	b := r.resBody
	b.coded = isCoded(res.Header)
	r.apply()
	b.parser = r.parserFor(res.Header, capturev1.Message_DIRECTION_SERVER_TO_CLIENT, b.limit)
	if n := min(int64(b.limit), res.ContentLength, chunkSize); n > int64(cap(b.content)) {
		b.content = make([]byte, 0, n)
	}
}

// ForEndpoint notes which endpoint it is, and puts in force what that says of
// recording.
func (r *Recording) ForEndpoint(e *message.Endpoint, revision uint64, o *Override) {
	if r == nil {
		return
	}
	r.Endpoint, r.PolicyRevision = e, revision
	if o != nil {
		r.plan = r.plan.overridden(o)
		r.apply()
	}
}

// Capture implements trafficpolicy.Recorder.
func (r *Recording) Capture(d trafficpolicy.CaptureDirective) {
	if r == nil {
		return
	}
	r.plan, r.kept = r.plan.directed(d), r.kept || d.Keep
	r.apply()
}

// apply has the bodies kept as the plan says.
func (r *Recording) apply() {
	request, response := r.plan.limits()
	stream := r.kept || r.lot < r.plan.share
	r.reqBody.configure(request, stream, func() parser {
		return r.parserFor(r.header, capturev1.Message_DIRECTION_CLIENT_TO_SERVER, request)
	})
	r.resBody.configure(response, stream, nil)
}

// isCoded reports whether a content has a coding, so that it must be seen as a
// whole to look into it.
func isCoded(h message.Header) bool {
	return h.Has("content-encoding") && len(coding.Parse(strings.Join(h.Values("content-encoding"), ","))) > 0
}

func (r *Recording) head(res *message.Response) {
	r.response, r.status, r.resHeader, r.res, r.firstByte = true, res.Status, res.Header, res, time.Now()
}

// Upgrade notes a 101 response and what then passes both ways: of a WebSocket the
// messages, of anything else only how much it is.
func (r *Recording) Upgrade(res *message.Response, upstream io.ReadWriteCloser) io.ReadWriteCloser {
	if r == nil {
		return upstream
	}
	r.head(res)
	r.reqBody.stop()
	r.reqBody, r.resBody = r.newBody(true), r.newBody(false)
	if request, response := r.plan.limits(); request > 0 && strings.EqualFold(res.Header.Get("upgrade"), "websocket") {
		r.reqBody.parser = &webSocketParser{direction: r.way(capturev1.Message_DIRECTION_CLIENT_TO_SERVER, request)}
		r.resBody.parser = &webSocketParser{direction: r.way(capturev1.Message_DIRECTION_SERVER_TO_CLIENT, response)}
	}
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

func (r *Recording) newBody(request bool) *body {
	return &body{tap: r.tap, record: r, request: request}
}

// bodies are what most records need, in the record's own piece of memory.
type bodies struct {
	request, response body
	readResponse      tappedBody
}

// begin readies the bodies. That of a request has memory of its own: who reads it may
// go on when the exchange has ended.
func (r *Recording) begin(req *message.Request) {
	own := &r.own
	own.response.tap, own.response.record = r.tap, r
	r.reqBody, r.resBody = &own.request, &own.response
	if r.hasBody = req.ContentLength != 0 && req.Body != nil; r.hasBody {
		b := &struct {
			body
			tappedBody
		}{}
		r.reqBody = &b.body
		r.reqBody.coded = isCoded(req.Header)
		b.tappedBody = tappedBody{source: req.Body, into: r.reqBody, trailer: &req.Trailer}
		req.Body = &b.tappedBody
	}
	r.reqBody.tap, r.reqBody.record, r.reqBody.request = r.tap, r, true
	r.apply()
}

// simple reports whether the record is encoded at once: there is little to look into.
func (r *Recording) simple() bool {
	return r.messages == nil && r.reqBody.simple() && r.resBody.simple()
}

func (b *body) simple() bool {
	return b.chunks == 0 && len(b.content) <= inlineSize && (!b.coded || len(b.content) == 0)
}

// detach copies what others use again when the exchange is over. Texts stay: nobody
// changes them.
func (r *Recording) detach() {
	r.resHeader = r.resHeader.Clone()
	r.req, r.res, r.Run = nil, nil, nil
}

var recordings = sync.Pool{New: func() any { return new(Recording) }}

// reuse gives the memory of a record back that is encoded, or not needed. An upgraded
// connection may still be read through its record.
func (r *Recording) reuse() {
	if r.resBody != &r.own.response {
		return
	}
	clear(r.header)
	clear(r.values)
	clear(r.findings)
	content, phases := r.own.response.content[:0], r.Policy.Trace.Phases[:0]
	*r = Recording{header: r.header[:0], values: r.values[:0], findings: r.findings[:0], Policy: Policy{Trace: trafficpolicy.Trace{Phases: phases}}}
	r.own.response.content = content
	recordings.Put(r)
}

// seal ends the notes of what is still being read.
func (r *Recording) seal() {
	r.reqBody.stop()
	r.resBody.stop()
	r.size = r.messages.seal()
}

// estimate is about what the record takes in memory.
func (r *Recording) estimate() {
	r.size += overhead + traceSize(r.Policy.Trace) + len(r.target)*2 + len(r.host) + cap(r.reqBody.content) + cap(r.resBody.content)
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
