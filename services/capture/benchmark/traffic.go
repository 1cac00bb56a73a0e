package benchmark

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

const (
	// captured is the share of exchanges with bodies.
	captured = 0.3
	clients  = 20_000
	accounts = 5_000
)

// traffic makes exchanges of one API gateway: few endpoints, routes and clients
// have most of the requests. The same seed makes the same traffic.
type traffic struct {
	r       *rand.Rand
	entropy *rand.ChaCha8
	route   *rand.Zipf
	client  *rand.Zipf
	user    *rand.Zipf
	word    *rand.Zipf
}

func newTraffic(seed uint64) *traffic {
	r := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // repeatable, not secret
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	return &traffic{
		r: r, entropy: rand.NewChaCha8(key),
		route: rand.NewZipf(r, 1.2, 2, uint64(len(routes)-1)), client: rand.NewZipf(r, 1.1, 20, clients-1),
		user: rand.NewZipf(r, 1.1, 20, accounts-1), word: rand.NewZipf(r, 1.05, 5, uint64(len(words)-1)),
	}
}

// exchange is the next one, received at t.
func (g *traffic) exchange(t time.Time) *capturev1.Exchange {
	to := &routes[g.route.Uint64()]
	client := g.client.Uint64()
	e := &capturev1.Exchange{
		Id: "ex_" + ulid.MustNew(ulid.Timestamp(t), g.entropy).String(), ProxyId: "px_bench", StartTime: timestamppb.New(t),
		EndpointId: to.endpoint.id, EndpointName: to.endpoint.name, EndpointUrl: to.endpoint.url, Route: to.template,
		Connection: g.connection(to, client, t), Request: g.request(to, client),
		FullCapture: g.r.Float64() < captured,
	}
	status := to.status(g.r)
	g.answer(e, to, status)
	if e.FullCapture {
		g.bodies(e, to)
	}
	if g.r.IntN(5) == 0 {
		e.TraceId = fmt.Sprintf("%016x%016x", g.r.Uint64(), g.r.Uint64())
	}
	return e
}

func (g *traffic) connection(to *route, client uint64, t time.Time) *capturev1.Connection {
	place := places[client%uint64(len(places))]
	return &capturev1.Connection{
		ClientIp: clientIPs[client], ClientPort: 1024 + g.r.Uint32N(60000), ServerIp: "192.0.2.10", ServerPort: 443,
		StartTime: timestamppb.New(t.Add(-time.Duration(g.r.IntN(1e9)))), BytesIn: 300 + g.r.Uint64N(400), BytesOut: 500 + g.r.Uint64N(3000),
		Tls: to.endpoint.tls, Geo: place,
	}
}

func (g *traffic) request(to *route, client uint64) *capturev1.Request {
	path, query := to.path(g.r), ""
	if to.method == "GET" && g.r.IntN(3) == 0 {
		query = fmt.Sprintf("page=%d&sort=%s", g.r.IntN(200), words[g.r.IntN(20)])
	}
	agent := agents[client%uint64(len(agents))]
	headers := append([]*capturev1.Header{{Name: "X-Request-Id", Value: fmt.Sprintf("%016x", g.r.Uint64())}}, agent.headers...)
	url := to.endpoint.url + path
	if query != "" {
		url += "?" + query
	}
	return &capturev1.Request{
		Method: to.method, Scheme: "https", Host: to.endpoint.host, Path: path, Query: query, Url: url,
		HttpVersion: agent.version, Headers: headers, Body: &capturev1.Body{},
	}
}

// answer fills in what came of the request: the status, the time, the reason.
func (g *traffic) answer(e *capturev1.Exchange, to *route, status uint32) {
	took := time.Duration(to.typical * math.Exp(0.6*g.r.NormFloat64()))
	e.Timings = &capturev1.Timings{
		Duration: durationpb.New(took), Policy: durationpb.New(time.Duration(20_000 + g.r.IntN(100_000))), FirstByte: durationpb.New(took * 9 / 10),
		RequestReceived: durationpb.New(took / 50),
	}
	e.Policy = &capturev1.PolicyResult{Revision: 40 + uint64(g.r.IntN(3)), Decisions: jwtAllowed}
	if g.r.IntN(5) > 0 {
		e.Policy.UserName = userNames[g.user.Uint64()]
	}
	switch status {
	case 401:
		e.Policy.Rule, e.Policy.Action, e.Policy.Decisions, e.Policy.UserName = "authenticate", "jwt-validation", jwtDenied, ""
	case 429:
		e.Policy.Rule, e.Policy.Action, e.Policy.RateLimitDecision = "limit", "rate-limit", "deny"
	default:
		e.Upstream = to.upstream
		e.Timings.Upstream, e.Timings.UpstreamFirstByte = durationpb.New(took*95/100), durationpb.New(took*85/100)
		e.Timings.UpstreamStart = durationpb.New(took / 100)
	}
	if status >= 502 || status == 0 {
		e.Error = failures[status]
	}
	if status > 0 {
		e.Response = &capturev1.Response{StatusCode: status, Headers: responseHeaders[g.r.IntN(len(responseHeaders))], Body: &capturev1.Body{Size: 200 + g.r.Uint64N(3000)}}
	}
}

// bodies adds JSON: of writing requests, and of responses that have an id.
func (g *traffic) bodies(e *capturev1.Exchange, to *route) {
	if to.method == "POST" || to.method == "PUT" || to.method == "PATCH" {
		e.Request.Body = body(g.json(3 + g.r.IntN(4)))
	}
	if e.Response != nil {
		e.Response.Body = body(g.json(4 + g.r.IntN(12)))
	}
}

func body(content []byte) *capturev1.Body {
	n := uint64(len(content))
	return &capturev1.Body{Content: content, Size: n, StoredSize: n, DecodedSize: n}
}

func (g *traffic) json(items int) []byte {
	b := make([]byte, 0, 64+items*72)
	b = fmt.Appendf(b, `{"id":"%012x","items":[`, g.r.Uint64N(1<<48))
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"sku":"`...)
		b = fmt.Appendf(b, "%06d", g.r.IntN(1_000_000))
		b = append(b, `","name":"`...)
		b = append(b, words[g.word.Uint64()]...)
		b = append(b, ' ')
		b = append(b, words[g.word.Uint64()]...)
		b = append(b, `","qty":`...)
		b = fmt.Appendf(b, "%d}", g.r.IntN(9))
	}
	return append(b, "]}"...)
}

// status is that of a healthy API with a few troubles.
func (to *route) status(r *rand.Rand) uint32 {
	switch n := r.IntN(10_000); {
	case n < 9000:
		return to.usual
	case n < 9200:
		return 304
	case n < 9350:
		return 400
	case n < 9450:
		return 401
	case n < 9700:
		return 404
	case n < 9850:
		return 429
	case n < 9930:
		return 500
	case n < 9960:
		return 502
	case n < 9985:
		return 503
	case n < 9999:
		return 0
	}
	return 507 // one in ten thousand
}

// path fills in the template.
func (to *route) path(r *rand.Rand) string {
	if !strings.Contains(to.template, "{") {
		return to.template
	}
	return strings.NewReplacer("{id}", fmt.Sprint(r.IntN(1_000_000)), "{item}", fmt.Sprint(r.IntN(1000))).Replace(to.template)
}
