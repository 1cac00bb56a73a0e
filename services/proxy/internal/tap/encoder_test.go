package tap

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/expr"
)

// secretValue is known to be secret, where a test draws so.
const secretValue = "hunter2-hunter2"

// pieces are what texts are drawn from.
var pieces = []string{
	"", "a", "plain text", "application/json", "é", "\xff", "%20", "%zz", "/v1/users/17", "*/*", secretValue, "ghp_" + strings.Repeat("a", 36), "Bearer abcdefgh1234",
	"user:pass", "https://u:p@h/x?token=t", "=", "&", "token=abcdefgh", "<b>", `"`, `\`, "4111111111111111", "[\"192.0.2.1\"]", strings.Repeat("long ", 60),
}

func drawText(t *rapid.T, name string) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 3).Draw(t, name), "")
}

func drawHeader(t *rapid.T, name string) message.Header {
	names := rapid.SampledFrom([]string{"Host", "Accept", "User-Agent", "Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X-Own", "Referer", "traceparent", "Content-Encoding", "X-\xff"})
	h := make(message.Header, 0)
	for range rapid.IntRange(0, 6).Draw(t, name) {
		f := message.Field{Name: names.Draw(t, "name"), Value: drawText(t, "value")}
		if f.Name == "traceparent" {
			f.Value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		}
		h = append(h, f)
	}
	return h
}

func drawTook(t *rapid.T, name string) time.Duration {
	return time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, name) * rapid.Int64Range(0, 1).Draw(t, name))
}

func drawTrace(t *rapid.T) trafficpolicy.Trace {
	values := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any { return drawText(t, "result") }), rapid.Custom(func(t *rapid.T) any { return rapid.Int64().Draw(t, "number") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Bool().Draw(t, "flag") }), rapid.Custom(func(t *rapid.T) any { return map[string]any{"Authorization": drawText(t, "inner"), "n": 1.5} }),
		rapid.Custom(func(t *rapid.T) any { return []any{drawText(t, "item")} }),
	)
	var trace trafficpolicy.Trace
	for range rapid.IntRange(0, 2).Draw(t, "phases") {
		phase := trafficpolicy.PhaseTrace{Phase: trafficpolicy.OnHTTPRequest, Endpoint: text(drawText(t, "endpoint")), Duration: drawTook(t, "phase")}
		for i := range rapid.IntRange(0, 3).Draw(t, "rules") {
			rule := trafficpolicy.RuleTrace{Index: i, Name: drawText(t, "rule"), Matched: rapid.Bool().Draw(t, "matched"), False: drawText(t, "false"), Error: drawText(t, "error"), Duration: drawTook(t, "rule took")}
			for j := range rapid.IntRange(0, 2).Draw(t, "actions") {
				a := trafficpolicy.ActionTrace{Index: j, Type: "rate-limit", Name: drawText(t, "label"), Decided: rapid.Bool().Draw(t, "decided"), Duration: drawTook(t, "action took")}
				for range rapid.IntRange(0, 3).Draw(t, "results") {
					a.Results = append(a.Results, trafficpolicy.ResultTrace{Name: rapid.SampledFrom([]string{"bucket_key", "res.body", "access_token", "x"}).Draw(t, "result name"), Value: values.Draw(t, "result")})
				}
				rule.Actions = append(rule.Actions, a)
			}
			phase.Rules = append(phase.Rules, rule)
		}
		trace.Phases = append(trace.Phases, phase)
	}
	return trace
}

func drawPolicy(t *rapid.T) Policy {
	p := Policy{
		Rule: drawText(t, "answered"), Action: "deny", RateLimit: "allow", RateLimitBucket: drawText(t, "bucket"), BasicAuth: "block", UserName: drawText(t, "user"), Trace: drawTrace(t),
	}
	if rapid.Bool().Draw(t, "decides") {
		p.Decisions = map[string]string{"jwt": "allow", "owasp": text(drawText(t, "owasp"))}
	}
	for range rapid.IntRange(0, 2).Draw(t, "logs") {
		p.Logs = append(p.Logs, map[string]any{"password": drawText(t, "password"), "sent": drawText(t, "sent")})
	}
	return p
}

func drawUpstream(t *rapid.T, start time.Time) UpstreamCall {
	up := UpstreamCall{Address: rapid.SampledFrom([]string{"", "api.test:80", secretValue}).Draw(t, "address"), Proto: "HTTP/1.1", Reused: rapid.Bool().Draw(t, "reused"),
		Connect: drawTook(t, "connect"), TLSHandshake: drawTook(t, "handshake"), FirstByte: drawTook(t, "first byte")}
	if rapid.Bool().Draw(t, "sent") {
		up.Sent = start.Add(drawTook(t, "until sent"))
	}
	for range rapid.IntRange(0, 2).Draw(t, "failed") {
		up.Failed = append(up.Failed, UpstreamAttempt{Address: "api.test:81", Sent: start, Duration: drawTook(t, "attempt"), Status: 503, Error: drawText(t, "cause")})
	}
	return up
}

func drawConn(t *rapid.T) *message.Conn {
	c := &message.Conn{ClientAddr: netip.MustParseAddrPort("[fe80::1%eth0]:1"), ServerAddr: netip.MustParseAddrPort("192.0.2.2:443"), Start: time.Unix(17, 0)}
	if rapid.Bool().Draw(t, "unknown address") {
		c.ClientAddr = netip.AddrPort{}
	}
	if rapid.Bool().Draw(t, "secured") {
		c.TLS = &message.TLS{Version: "1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ServerName: drawText(t, "sni"), ALPN: "h2", Resumed: true, JA4: "t13"}
		if rapid.Bool().Draw(t, "client certificate") {
			c.TLS.PeerCertificates = []*x509.Certificate{{Raw: []byte("c"), Subject: pkix.Name{CommonName: "ann"}, SerialNumber: big.NewInt(255), NotAfter: time.Unix(1<<31, 0)}}
		}
	}
	return c
}

// drawn is all that a recording is made of.
type drawn struct {
	settings              *policyv1.CaptureSettings
	conn                  *message.Conn
	header, resHeader     message.Header
	trailer               message.Header
	method, host, target  string
	body, answer          string
	secrets               []*redact.Secret
	policy                Policy
	upstream              UpstreamCall
	took, first, policyOf time.Duration
	status                int
	revision              uint64
	endpoint              *message.Endpoint
	code, failure         string
	keptBy, traceID       string
	notes                 []note
}

var began = time.Unix(1_790_000_000, 123456789)

func draw(t *rapid.T) *drawn {
	text := rapid.SampledFrom([]string{"", `{"a":1}`, `{"password":"` + secretValue + `"}`, "name=x&password=y", strings.Repeat("0123456789 ", 1800), strings.Repeat(`{"pin":"1"} `, 1100)})
	d := &drawn{
		settings: &policyv1.CaptureSettings{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL, RequestBodyLimit: 20_000, ResponseBodyLimit: 20_000, RedactHeaders: []string{"x-own"}},
		conn:     drawConn(t), header: drawHeader(t, "request"), resHeader: drawHeader(t, "response"), trailer: drawHeader(t, "trailer"),
		method: rapid.SampledFrom([]string{"GET", "POST", "\xff"}).Draw(t, "method"), host: drawText(t, "host"), target: "/" + drawText(t, "target") + rapid.SampledFrom([]string{"", "?"}).Draw(t, "?") + drawText(t, "query"),
		body: text.Draw(t, "body"), answer: text.Draw(t, "answer"), policy: drawPolicy(t), upstream: drawUpstream(t, began),
		took: drawTook(t, "took"), first: drawTook(t, "first"), policyOf: drawTook(t, "policy took"), status: rapid.IntRange(0, 599).Draw(t, "status"),
		revision: rapid.Uint64Range(0, 2).Draw(t, "revision"), code: rapid.SampledFrom([]string{"", "SLUICE_3004"}).Draw(t, "code"), failure: drawText(t, "failure"),
		keptBy: rapid.SampledFrom([]string{"", "slow"}).Draw(t, "kept by"), traceID: rapid.SampledFrom([]string{"", "0af7651916cd43dd8448eb211c80319c"}).Draw(t, "trace id"),
	}
	if rapid.Bool().Draw(t, "metadata only") {
		d.settings.Mode = policyv1.CaptureMode_CAPTURE_MODE_METADATA
	}
	if rapid.Bool().Draw(t, "rules off") {
		d.settings.DisabledRedactionRules = redact.DefaultRules()
	}
	if rapid.Bool().Draw(t, "secret") {
		d.secrets = []*redact.Secret{redact.NewSecret("secret:v/n", secretValue)}
	}
	if rapid.Bool().Draw(t, "endpoint") {
		d.endpoint = &message.Endpoint{ID: "ep_1", Name: drawText(t, "endpoint name"), URL: "https://api.test"}
	}
	for range rapid.IntRange(0, 2).Draw(t, "messages") {
		content := []byte(drawText(t, "message"))
		d.notes = append(d.notes, note{direction: capturev1.Message_DIRECTION_CLIENT_TO_SERVER, kind: capturev1.Message_KIND_TEXT, at: began.Add(time.Second), content: content, size: uint64(len(content)) + rapid.Uint64Range(0, 1).Draw(t, "more")})
	}
	return d
}

// record makes a recording at its end.
func (d *drawn) record(tap *Tap) *Recording {
	req := &message.Request{Method: d.method, Target: d.target, Scheme: "https", Host: d.host, Proto: "HTTP/1.1", Received: began, Header: d.header,
		Trailer: d.trailer, ContentLength: int64(len(d.body)), Body: io.NopCloser(strings.NewReader(d.body))}
	r := tap.Begin("ex_1", d.conn, req)
	r.ForEndpoint(d.endpoint, d.revision, nil)
	for _, s := range d.secrets {
		r.Know(s)
	}
	_, _ = io.Copy(io.Discard, req.Body)
	if d.status > 0 {
		res := message.NewResponse(d.status, d.resHeader, d.answer)
		res.Trailer = d.trailer
		r.Respond(res)
		_, _ = io.Copy(io.Discard, res.Body)
	}
	r.Fail(d.code, d.failure)
	if len(d.notes) > 0 {
		r.messages = &messages{tap: tap, list: d.notes, omitted: 3}
	}
	r.Policy, r.PolicyTime, r.Upstream, r.keptBy, r.TraceID = d.policy, d.policyOf, d.upstream, d.keptBy, d.traceID
	r.reqBody.stop()
	r.resBody.stop()
	// What a clock said is the same in both.
	r.end, r.firstByte = began.Add(d.took), began.Add(d.first)
	for _, b := range []*body{r.reqBody, r.resBody} {
		if !b.done.IsZero() {
			b.done = r.end
		}
	}
	return r
}

type somewhere struct{}

func (somewhere) Lookup(netip.Addr) *expr.IPData {
	d := &expr.IPData{ASNumber: 64500, Organization: "Example \xff"}
	d.Location.CountryCode, d.Location.City, d.Location.Latitude, d.Location.Longitude = "CH", "Zürich", "47.4", "-8.5"
	return d
}

// TestEncodedRecordsAreTheMessages: what the encoder appends decodes as the message
// that is built field by field from the same recording.
func TestEncodedRecordsAreTheMessages(t *testing.T) {
	taps := map[string]*Tap{}
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		key := d.settings.String()
		if taps[key] == nil { // encoders remember for as long as settings are in force
			taps[key] = New("px", Limits{Exchanges: 10, Bytes: 1 << 30}, &Ledger{})
			_ = taps[key].Configure(d.settings, []byte("key of the tests"))
			taps[key].Locate(somewhere{})
		}
		tap := taps[key]
		want, parts := &capturev1.Batch{}, newBatch(nil)
		want.Exchanges = append(want.Exchanges, d.record(tap).exchange("px", parts))
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(parts.Raw, want); err != nil {
			t.Fatal(err)
		}
		for range 3 { // the third time from memory
			got := newBatch(nil)
			got.Raw = got.Raw[:0]
			got.buffer().String(batchID, parts.ID)
			encode(d.record(tap), nil, func(exchange, parts []byte) bool {
				got.Raw = append(got.Raw, parts...)
				got.add(exchange)
				return true
			})
			decoded := &capturev1.Batch{}
			if err := proto.Unmarshal(got.Raw, decoded); err != nil || !proto.Equal(decoded, want) {
				t.Fatalf("%v\ngot  %v\nwant %v", err, decoded, want)
			}
		}
	})
}

// TestRecordsDoNotMix: what one record leaves in memory never shows in another,
// whatever comes at the same time and whoever reads a body too late.
func TestRecordsDoNotMix(t *testing.T) {
	tap := New("px", Limits{Exchanges: 1 << 16, Bytes: 1 << 30}, &Ledger{})
	_ = tap.Configure(limits(1000, 1000), nil)
	var late sync.WaitGroup
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 500 {
				mark := fmt.Sprintf("mark-%d-%d-", worker, i)
				text := strings.Repeat(mark, 1+i%20)
				body := ""
				if i%3 > 0 {
					body = text
				}
				req := get(body)
				req.Target, req.Header = "/"+mark, message.Header{{Name: "X-Mark", Value: mark}}
				r := tap.Begin(mark, conn, req)
				_, _ = io.CopyN(io.Discard, req.Body, int64(min(len(body), len(mark)*(i%20/2))))
				res := message.NewResponse(200, message.Header{{Name: "X-Mark", Value: mark}}, text)
				r.Respond(res)
				_, _ = io.Copy(io.Discard, res.Body)
				r.Policy.Rule, r.PolicyRevision = mark, 1
				if i%2 == 0 { // as a policy's run leaves its trace
					r.Policy.Decisions = map[string]string{"owasp": mark}
					r.Policy.Trace.Phases = append(r.Policy.Trace.Phases, trafficpolicy.PhaseTrace{Rules: []trafficpolicy.RuleTrace{{Name: mark}}})
				}
				if i%5 == 0 {
					r.Know(redact.NewSecret("secret", mark+"secret"))
				}
				if i%7 == 0 {
					r.Fail("SLUICE_1", mark)
				}
				tap.End(r)
				late.Go(func() { _, _ = io.Copy(io.Discard, req.Body) })
			}
		})
	}
	all.Wait()
	late.Wait()
	seen := 0
	for b := tap.Batch(); b != nil; b = tap.Batch() {
		for _, e := range decode(b).GetExchanges() {
			seen++
			mark := e.GetId()
			rest := strings.NewReplacer(mark, "", "mark", "MIXED").Replace(e.String())
			var i int
			_, _ = fmt.Sscanf(mark[strings.LastIndexByte(strings.TrimSuffix(mark, "-"), '-')+1:], "%d", &i)
			if traced := len(e.GetPolicyTrace().GetPhases()); traced != 1-i%2 || len(e.GetPolicy().GetDecisions()) != traced || (e.GetError() != nil) != (i%7 == 0) {
				t.Fatalf("%s: %v", mark, e)
			}
			if strings.Contains(rest, "MIXED") || len(e.GetRequest().GetHeaders()) != 1 || e.GetRequest().GetPath() != "/"+mark || e.GetPolicy().GetRule() != mark || !strings.HasPrefix(string(e.GetResponse().GetBody().GetContent()), mark) {
				t.Fatalf("%s: %v", mark, e)
			}
		}
		tap.Reuse(b)
	}
	if seen != 8*500 {
		t.Errorf("%d records", seen)
	}
}
