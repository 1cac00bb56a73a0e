package export

import (
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Rows of one group: what a reader can skip, and what the writer holds in memory.
const (
	groupRows     = 20_000
	groupBodyRows = 1_000
)

// parquetRow is one exchange. Times are UTC; names are those of the CSV file.
type parquetRow struct {
	StartTime     time.Time `parquet:"start_time,timestamp(nanosecond),delta"`
	ID            string    `parquet:"id"`
	EndpointID    string    `parquet:"endpoint_id,dict"`
	Endpoint      string    `parquet:"endpoint,dict"`
	Method        string    `parquet:"method,dict"`
	Scheme        string    `parquet:"scheme,dict"`
	Host          string    `parquet:"host,dict"`
	Path          string    `parquet:"path"`
	Query         string    `parquet:"query"`
	Route         string    `parquet:"route,dict"`
	HTTPVersion   string    `parquet:"http_version,dict"`
	StatusCode    *uint32   `parquet:"status_code,optional"`
	DurationNS    int64     `parquet:"duration_ns"`
	PolicyNS      int64     `parquet:"policy_ns"`
	UpstreamNS    *int64    `parquet:"upstream_ns,optional"`
	FirstByteNS   *int64    `parquet:"first_byte_ns,optional"`
	RequestSize   uint64    `parquet:"request_size"`
	ResponseSize  uint64    `parquet:"response_size"`
	BytesIn       uint64    `parquet:"bytes_in"`
	BytesOut      uint64    `parquet:"bytes_out"`
	ClientIP      string    `parquet:"client_ip,dict"`
	Country       string    `parquet:"country,dict"`
	User          string    `parquet:"user,dict"`
	Rule          string    `parquet:"rule,dict"`
	Action        string    `parquet:"action,dict"`
	ErrorCode     string    `parquet:"error_code,dict"`
	ErrorMessage  string    `parquet:"error_message,dict"`
	Upstream      string    `parquet:"upstream,dict"`
	TraceID       string    `parquet:"trace_id"`
	ReplayOf      string    `parquet:"replay_of"`
	ProxyID       string    `parquet:"proxy_id,dict"`
	RequestNames  []string  `parquet:"request_header_names,list"`
	RequestValues []string  `parquet:"request_header_values,list"`
	RequestBody   []byte    `parquet:"request_body"`
	RequestCut    bool      `parquet:"request_body_truncated"`
	AnswerNames   []string  `parquet:"response_header_names,list"`
	AnswerValues  []string  `parquet:"response_header_values,list"`
	AnswerBody    []byte    `parquet:"response_body"`
	AnswerCut     bool      `parquet:"response_body_truncated"`
}

type parquetFile struct {
	out   *parquet.GenericWriter[parquetRow]
	group int
	rows  int
}

func newParquet(out io.Writer, bodies bool) (writer, error) {
	group := groupRows
	if bodies {
		group = groupBodyRows
	}
	w := parquet.NewGenericWriter[parquetRow](out, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("Sluice", "1", ""))
	return &parquetFile{out: w, group: group}, nil
}

func (p *parquetFile) write(e *capturev1.Exchange) error {
	if _, err := p.out.Write([]parquetRow{rowOf(e)}); err != nil {
		return err
	}
	if p.rows++; p.rows%p.group == 0 {
		return p.out.Flush()
	}
	return nil
}

func (p *parquetFile) close() error { return p.out.Close() }

func rowOf(e *capturev1.Exchange) parquetRow {
	req, res, t := e.GetRequest(), e.GetResponse(), e.GetTimings()
	row := parquetRow{
		StartTime: e.GetStartTime().AsTime(), ID: e.GetId(), EndpointID: e.GetEndpointId(), Endpoint: e.GetEndpointName(),
		Method: req.GetMethod(), Scheme: req.GetScheme(), Host: req.GetHost(), Path: req.GetPath(), Query: req.GetQuery(),
		Route: e.GetRoute(), HTTPVersion: req.GetHttpVersion(),
		DurationNS: int64(t.GetDuration().AsDuration()), PolicyNS: int64(t.GetPolicy().AsDuration()),
		RequestSize: req.GetBody().GetSize(), ResponseSize: res.GetBody().GetSize(),
		BytesIn: e.GetConnection().GetBytesIn(), BytesOut: e.GetConnection().GetBytesOut(),
		ClientIP: e.GetConnection().GetClientIp(), Country: e.GetConnection().GetGeo().GetCountryCode(),
		User: e.GetPolicy().GetUserName(), Rule: e.GetPolicy().GetRule(), Action: e.GetPolicy().GetAction(),
		ErrorCode: e.GetError().GetCode(), ErrorMessage: e.GetError().GetMessage(), Upstream: e.GetUpstream().GetAddress(),
		TraceID: e.GetTraceId(), ReplayOf: e.GetReplayOf(), ProxyID: e.GetProxyId(),
		RequestBody: req.GetBody().GetContent(), RequestCut: req.GetBody().GetTruncated(),
		AnswerBody: res.GetBody().GetContent(), AnswerCut: res.GetBody().GetTruncated(),
	}
	row.RequestNames, row.RequestValues = columnsOf(req.GetHeaders())
	row.AnswerNames, row.AnswerValues = columnsOf(res.GetHeaders())
	if res != nil {
		row.StatusCode = new(res.GetStatusCode())
	}
	if t.GetUpstream() != nil {
		row.UpstreamNS = new(int64(t.GetUpstream().AsDuration()))
	}
	if t.GetFirstByte() != nil {
		row.FirstByteNS = new(int64(t.GetFirstByte().AsDuration()))
	}
	return row
}

func columnsOf(headers []*capturev1.Header) (names, values []string) {
	for _, h := range headers {
		names, values = append(names, h.GetName()), append(values, h.GetValue())
	}
	return names, values
}
