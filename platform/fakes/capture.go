package fakes

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Capture keeps the contract of CaptureService over a log in memory, for tests of
// the services that read it: FollowLog, GetExchange, and counts by
// AggregateExchanges.
type Capture struct {
	capturev1.UnimplementedCaptureServiceServer
	server *grpc.Server
	target string

	mu      sync.Mutex
	log     []*capturev1.Exchange
	changed chan struct{}
	failure error
	silent  bool
}

// NewCapture starts the service on a loopback port.
func NewCapture() (*Capture, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Capture{server: grpc.NewServer(), target: l.Addr().String(), changed: make(chan struct{})}
	capturev1.RegisterCaptureServiceServer(c.server, c)
	go func() { _ = c.server.Serve(l) }() // ends with Close
	return c, nil
}

// Target is what a gRPC client dials.
func (c *Capture) Target() string { return c.target }

// Close stops the service.
func (c *Capture) Close() { c.server.Stop() }

// Append stores exchanges.
func (c *Capture) Append(list ...*capturev1.Exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, list...)
	c.wake()
}

// Fail makes calls fail with this error, open streams too; nil ends it.
func (c *Capture) Fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failure = err
	c.wake()
}

// Silent keeps FollowLog from telling a position before there is an exchange.
func (c *Capture) Silent(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = on
}

func (c *Capture) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Capture) read(from int) (list []*capturev1.Exchange, changed <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from < len(c.log) {
		list = c.log[from:len(c.log):len(c.log)]
	}
	return list, c.changed, c.failure
}

// FollowLog sends the log from a position on; positions are numbers here.
func (c *Capture) FollowLog(req *capturev1.FollowLogRequest, stream grpc.ServerStreamingServer[capturev1.FollowLogResponse]) error {
	query, err := search.Parse(req.GetFilter())
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	at, err := c.begin(req, stream)
	if err != nil {
		return err
	}
	size := int(req.GetBatchSize())
	if size == 0 {
		size = 500
	}
	for {
		list, changed, err := c.read(at)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			select {
			case <-changed:
			case <-stream.Context().Done():
				return stream.Context().Err()
			}
			continue
		}
		list = list[:min(size, len(list))]
		at += len(list)
		m := &capturev1.FollowLogResponse{Position: strconv.Itoa(at)}
		for _, ex := range list {
			if search.Match(query, record{ex}, time.Now()) {
				m.Exchanges = append(m.Exchanges, ex)
			}
		}
		if err := stream.Send(m); err != nil {
			return err
		}
	}
}

func (c *Capture) begin(req *capturev1.FollowLogRequest, stream grpc.ServerStreamingServer[capturev1.FollowLogResponse]) (int, error) {
	if req.GetPosition() != "" {
		at, err := strconv.Atoi(req.GetPosition())
		if err != nil {
			return 0, status.Errorf(codes.InvalidArgument, "%q is no position", req.GetPosition())
		}
		return at, nil
	}
	c.mu.Lock()
	at, silent, failure := len(c.log), c.silent, c.failure
	c.mu.Unlock()
	if silent || failure != nil {
		return at, failure
	}
	return at, stream.Send(&capturev1.FollowLogResponse{Position: strconv.Itoa(at)})
}

// inline is how much of a body GetExchange returns, in bytes.
const inline = 16 << 10

// GetExchange returns an exchange by its id, with the beginnings of large bodies.
func (c *Capture) GetExchange(_ context.Context, req *capturev1.GetExchangeRequest) (*capturev1.GetExchangeResponse, error) {
	ex, err := c.find(req.GetId())
	if err != nil {
		return nil, err
	}
	ex = proto.CloneOf(ex)
	for _, b := range []*capturev1.Body{ex.GetRequest().GetBody(), ex.GetResponse().GetBody()} {
		if b != nil {
			b.StoredSize = uint64(len(b.GetContent()))
			b.Content = b.GetContent()[:min(len(b.GetContent()), inline)]
		}
	}
	return &capturev1.GetExchangeResponse{Exchange: ex}, nil
}

func (c *Capture) find(id string) (*capturev1.Exchange, error) {
	list, _, err := c.read(0)
	if err != nil {
		return nil, err
	}
	for _, ex := range list {
		if ex.GetId() == id {
			return ex, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "no exchange has the id %q", id)
}

// GetRequestBody streams a request's body.
func (c *Capture) GetRequestBody(req *capturev1.GetRequestBodyRequest, s grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	ex, err := c.find(req.GetId())
	if err != nil {
		return err
	}
	return sendParts(ex.GetRequest().GetBody(), s)
}

// GetResponseBody streams a response's body.
func (c *Capture) GetResponseBody(req *capturev1.GetResponseBodyRequest, s grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	ex, err := c.find(req.GetId())
	if err != nil {
		return err
	}
	return sendParts(ex.GetResponse().GetBody(), s)
}

func sendParts(b *capturev1.Body, s grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	for part := range slices.Chunk(b.GetContent(), inline) {
		if err := s.Send(&httpbody.HttpBody{Data: part}); err != nil {
			return err
		}
	}
	return nil
}

// AggregateExchanges counts; it knows no other aggregation, group or interval.
func (c *Capture) AggregateExchanges(_ context.Context, req *capturev1.AggregateExchangesRequest) (*capturev1.AggregateExchangesResponse, error) {
	list, _, err := c.read(0)
	if err != nil {
		return nil, err
	}
	query, err := search.Parse(req.GetFilter())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if req.GetAggregation() != capturev1.Aggregation_AGGREGATION_COUNT || len(req.GetGroupBy()) > 0 || req.GetInterval() != nil {
		return nil, status.Error(codes.Unimplemented, "this stand-in only counts")
	}
	count := 0
	for _, ex := range list {
		t := ex.GetStartTime().AsTime()
		if !t.Before(req.GetStartTime().AsTime()) && t.Before(req.GetEndTime().AsTime()) && search.Match(query, record{ex}, time.Now()) {
			count++
		}
	}
	return &capturev1.AggregateExchangesResponse{Series: []*capturev1.AggregateExchangesResponse_Series{{Value: float64(count)}}}, nil
}

// record lets a search match the parts of an exchange that tests search by.
type record struct{ ex *capturev1.Exchange }

// Text returns the values of a text column.
func (r record) Text(column, member string) []string {
	switch column {
	case "id":
		return []string{r.ex.GetId()}
	case "method":
		return []string{r.ex.GetRequest().GetMethod()}
	case "path":
		return []string{r.ex.GetRequest().GetPath()}
	case "host":
		return []string{strings.ToLower(r.ex.GetRequest().GetHost())}
	case "endpoint_name":
		return []string{r.ex.GetEndpointName()}
	case "req_headers":
		var values []string
		for _, h := range r.ex.GetRequest().GetHeaders() {
			if member == "" || strings.EqualFold(h.GetName(), member) {
				values = append(values, h.GetValue())
			}
		}
		return values
	}
	return []string{""}
}

// Number returns the value of a number column.
func (r record) Number(column string) (int64, bool) {
	switch column {
	case "status":
		return int64(r.ex.GetResponse().GetStatusCode()), r.ex.GetResponse() != nil
	case "ts":
		return r.ex.GetStartTime().AsTime().UnixNano(), true
	case "duration_ns":
		return r.ex.GetTimings().GetDuration().AsDuration().Nanoseconds(), true
	}
	return 0, false
}

// Addr returns the value of an address column.
func (r record) Addr(column string) netip.Addr {
	if column != "client_ip" {
		return netip.Addr{}
	}
	ip, _ := netip.ParseAddr(r.ex.GetConnection().GetClientIp())
	return ip
}
