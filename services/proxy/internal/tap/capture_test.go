package tap

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

func limits(request, response uint32) *policyv1.CaptureSettings {
	return &policyv1.CaptureSettings{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL, RequestBodyLimit: request, ResponseBodyLimit: response}
}

// whole puts a response's body together, as capture does.
func whole(t *testing.T, b *capturev1.Batch) string {
	t.Helper()
	out := string(b.GetExchanges()[0].GetResponse().GetBody().GetContent())
	for _, p := range b.GetBodyParts() {
		if p.GetOffset() != uint64(len(out)) || p.GetExchangeId() != "ex" || p.GetSide() != capturev1.BodySide_BODY_SIDE_RESPONSE || len(p.GetContent()) > partSize {
			t.Fatalf("a part of %d bytes at %d after %d", len(p.GetContent()), p.GetOffset(), len(out))
		}
		out += string(p.GetContent())
	}
	return out
}

func TestLargeBodiesGoInParts(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "n%d ", i)
	}
	text := b.String()
	for _, limit := range []int{100, inlineSize, inlineSize + 1, 200_000, len(text) - 1, len(text), len(text) + 10, 1 << 30} {
		batch := answered(t, limits(1, uint32(limit)), text, 32<<10)
		body := batch.GetExchanges()[0].GetResponse().GetBody()
		want := text[:min(limit, len(text))]
		if got := whole(t, batch); got != want || body.GetStoredSize() != uint64(len(want)) || body.GetTruncated() != (limit < len(text)) || len(body.GetContent()) > inlineSize {
			t.Errorf("limit %d: %d bytes, stored %d, inline %d, truncated %t; want %d", limit, len(got), body.GetStoredSize(), len(body.GetContent()), body.GetTruncated(), len(want))
		}
	}
}

func TestSecretsInLargeBodies(t *testing.T) {
	filler := strings.Repeat("lorem ipsum ", 5460)
	text := `{"a":"` + filler + `","password":"hunter2-hunter2","b":"` + filler + filler + `ghp_` + strings.Repeat("a", 36) + `"}`
	batch := answered(t, limits(1, 1<<20), text, 1000, message.Field{Name: "Content-Type", Value: "application/json"})
	got := whole(t, batch)
	if strings.Contains(got, "hunter2") || strings.Contains(got, "ghp_") || len(batch.GetExchanges()[0].GetRedactions()) != 2 || batch.GetExchanges()[0].GetResponse().GetBody().GetTruncated() {
		t.Errorf("%d bytes, %v", len(got), batch.GetExchanges()[0].GetRedactions())
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func TestCodedBodies(t *testing.T) {
	coded := message.Field{Name: "Content-Encoding", Value: "gzip"}
	isJSON := message.Field{Name: "Content-Type", Value: "application/json"}
	plain, secret := zipped(`{"a":"b"}`), zipped(`{"password":"hunter2-hunter2"}`)
	long := zipped(`{"password":"hunter2-hunter2","b":"` + strings.Repeat("lorem ", 10_000) + `"}`)
	for _, tt := range []struct {
		name, body, want string
		limit            uint32
		encoding         string
		truncated        bool
	}{
		{"nothing to hide", plain, plain, 1000, "gzip", false},
		{"a secret", secret, `{"password":"[redacted json_password 15 `, 1000, "identity", false},
		{"not what it says", `{"a":1}`, `{"a":1}`, 1000, "gzip", false},
		{"not what it says, and a secret", `{"password":"hunter2-hunter2"}`, `{"password":"[redacted json_password 15 `, 1000, "identity", false},
		{"cut", plain, plain[:12], 12, "gzip", true},
		{"cut after a secret", long, `{"password":"[redacted json_password 15 `, 100, "identity", true},
	} {
		e := answered(t, limits(1, tt.limit), tt.body, 100, coded, isJSON).GetExchanges()[0]
		body := e.GetResponse().GetBody()
		if got := string(body.GetContent()); !strings.HasPrefix(got, tt.want) || strings.Contains(got, "hunter2") || body.GetTruncated() != tt.truncated || e.GetResponse().GetHeaders()[0].GetValue() != tt.encoding {
			t.Errorf("%s: %q, truncated %t, %v", tt.name, got, body.GetTruncated(), e.GetResponse().GetHeaders()[0])
		}
	}
	if e := answered(t, limits(1, 1000), plain, 100, coded).GetExchanges()[0]; e.GetResponse().GetBody().GetDecodedSize() != uint64(len(`{"a":"b"}`)) {
		t.Errorf("%v", e.GetResponse().GetBody())
	}
}

// run is one exchange of a tap.
func (t *Tap) run(o *Override, d *trafficpolicy.CaptureDirective, status int, took time.Duration) {
	req := get("question")
	req.Received = time.Now().Add(-took)
	r := t.Begin("ex", conn, req)
	r.ForEndpoint(&message.Endpoint{ID: "ep_1"}, 1, o)
	if d != nil {
		r.Capture(*d)
	}
	_, _ = io.Copy(io.Discard, req.Body)
	if status > 0 {
		res := message.NewResponse(status, nil, "answer")
		r.Respond(res)
		_, _ = io.Copy(io.Discard, res.Body)
	}
	t.End(r)
}

func TestWhatTheSampleLeavesOut(t *testing.T) {
	const never = 1e-12 // percent
	keep := &policyv1.CaptureKeep{ServerErrors: true, SlowerThan: durationpb.New(time.Second), Expression: "res.status_code == 404 && req.method == 'POST'"}
	for _, tt := range []struct {
		name   string
		o      *policyv1.EndpointCapture
		d      *trafficpolicy.CaptureDirective
		status int
		took   time.Duration
		want   string // kept_by; "-" when it is left out
	}{
		{"ordinary", nil, nil, 200, 0, "-"},
		{"server error", nil, nil, 503, 0, "server_error"},
		{"no response", nil, nil, 0, 0, "server_error"},
		{"slow", nil, nil, 200, 2 * time.Second, "slow"},
		{"expression", nil, nil, 404, 0, "expression"},
		{"rule", nil, &trafficpolicy.CaptureDirective{Keep: true}, 200, 0, "rule"},
		{"rule that samples", nil, &trafficpolicy.CaptureDirective{SamplePercent: 100}, 200, 0, ""},
		{"endpoint that samples", &policyv1.EndpointCapture{SamplePercent: ptr(100.0)}, nil, 200, 0, ""},
		{"endpoint that keeps nothing", &policyv1.EndpointCapture{Keep: &policyv1.CaptureKeep{}}, nil, 503, 0, "-"},
		{"endpoint that says something else", &policyv1.EndpointCapture{Mode: policyv1.CaptureMode_CAPTURE_MODE_METADATA}, nil, 503, 0, "server_error"},
	} {
		tap := newTap(t, &policyv1.CaptureSettings{SamplePercent: never, Keep: keep})
		tap.run(NewOverride(tt.o), tt.d, tt.status, tt.took)
		got := "-"
		if b := decode(tap.Batch()); b != nil {
			got = b.GetExchanges()[0].GetKeptBy()
		}
		if c := tap.ledger.Counts(); got != tt.want || !c.balanced() || c.Seen != 1 || (got == "-") != (c.Sampled == 1) {
			t.Errorf("%s: %q, want %q; %+v", tt.name, got, tt.want, c)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestEndpointsAndRulesChangeWhatIsRecorded(t *testing.T) {
	for _, tt := range []struct {
		name              string
		o                 *policyv1.EndpointCapture
		d                 *trafficpolicy.CaptureDirective
		full              bool
		request, response string
	}{
		{"settings", nil, nil, false, "", ""},
		{"endpoint", &policyv1.EndpointCapture{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL, RequestBodyLimit: 3}, nil, true, "que", "answer"},
		{"rule", nil, &trafficpolicy.CaptureDirective{Mode: "full", ResponseBodyLimit: 2}, true, "question", "an"},
		{"rule over endpoint", &policyv1.EndpointCapture{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL}, &trafficpolicy.CaptureDirective{Mode: "metadata"}, false, "", ""},
	} {
		tap := newTap(t, nil)
		tap.run(NewOverride(tt.o), tt.d, 200, 0)
		e := decode(tap.Batch()).GetExchanges()[0]
		if e.GetFullCapture() != tt.full || string(e.GetRequest().GetBody().GetContent()) != tt.request || string(e.GetResponse().GetBody().GetContent()) != tt.response {
			t.Errorf("%s: %v", tt.name, e)
		}
	}
}

// A body that is kept only from its middle on would be no body.
func TestARuleThatComesTooLate(t *testing.T) {
	tap := newTap(t, nil)
	req := get("question")
	r := tap.Begin("ex", conn, req)
	_, _ = io.ReadFull(req.Body, make([]byte, 3))
	r.Capture(trafficpolicy.CaptureDirective{Mode: "full"})
	_, _ = io.Copy(io.Discard, req.Body)
	tap.End(r)
	if b := decode(tap.Batch()).GetExchanges()[0].GetRequest().GetBody(); len(b.GetContent()) != 0 || !b.GetTruncated() || b.GetSize() != 8 {
		t.Errorf("%v", b)
	}
}

// Memory is bounded: what there is no room for is not kept, and the exchange says so.
func TestBodiesBeyondMemory(t *testing.T) {
	tap := New("px", Limits{Exchanges: 100, Bytes: 1 << 20}, &Ledger{})
	_ = tap.Configure(limits(64<<20, 64<<20), nil)
	var running []*Recording
	var bodies []io.Reader
	for range 50 { // nobody takes batches meanwhile
		r := tap.Begin("ex", conn, get(""))
		res := message.NewResponse(http.StatusOK, nil, strings.Repeat("x", 300<<10))
		r.Respond(res)
		running, bodies = append(running, r), append(bodies, res.Body)
	}
	for i, r := range running {
		_, _ = io.Copy(io.Discard, struct{ io.Reader }{bodies[i]})
		tap.End(r)
	}
	for b := decode(tap.Batch()); b != nil; b = decode(tap.Batch()) {
		for _, e := range b.GetExchanges() {
			body := e.GetResponse().GetBody()
			if body.GetSize() != 300<<10 || body.GetTruncated() != (body.GetStoredSize() < body.GetSize()) {
				t.Errorf("size %d, stored %d, truncated %t", body.GetSize(), body.GetStoredSize(), body.GetTruncated())
			}
		}
	}
	c := tap.ledger.Counts()
	if c.LostParts == 0 || !c.balanced() || c.Seen != 50 || tap.held.Load() != 0 {
		t.Errorf("%+v, %d held", c, tap.held.Load())
	}
}

// What the spool did not take is missing, and the exchange says so.
func TestPartsThatAreLostLater(t *testing.T) {
	tap := newTap(t, limits(1, 1<<20))
	r := tap.Begin("ex", conn, get(""))
	res := message.NewResponse(200, nil, strings.Repeat("x", 400<<10))
	r.Respond(res)
	_, _ = io.CopyN(io.Discard, res.Body, 200<<10)
	before := decode(tap.Batch())
	_, _ = io.CopyN(io.Discard, res.Body, 100<<10)
	lost := decode(tap.Batch())
	tap.Lost()
	_, _ = io.Copy(io.Discard, res.Body)
	tap.End(r)
	after := decode(tap.Batch())
	last := before.GetBodyParts()[len(before.GetBodyParts())-1]
	if len(lost.GetBodyParts()) == 0 || len(after.GetBodyParts()) != 0 {
		t.Fatalf("%d parts lost, %d after them", len(lost.GetBodyParts()), len(after.GetBodyParts()))
	}
	if b := after.GetExchanges()[0].GetResponse().GetBody(); !b.GetTruncated() || b.GetStoredSize() < last.GetOffset() || b.GetStoredSize() == b.GetSize() {
		t.Errorf("stored %d, truncated %t", b.GetStoredSize(), b.GetTruncated())
	}
}
