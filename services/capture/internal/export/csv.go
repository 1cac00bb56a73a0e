package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// table writes comma-separated values (RFC 4180), the names of columns first.
type table struct {
	out *csv.Writer
	row []string
}

type column struct {
	name string
	text func(*capturev1.Exchange) string
}

var columns = []column{
	{"start_time", func(e *capturev1.Exchange) string { return e.GetStartTime().AsTime().Format(time.RFC3339Nano) }},
	{"id", (*capturev1.Exchange).GetId},
	{"endpoint", (*capturev1.Exchange).GetEndpointName},
	{"method", func(e *capturev1.Exchange) string { return e.GetRequest().GetMethod() }},
	{"host", func(e *capturev1.Exchange) string { return e.GetRequest().GetHost() }},
	{"path", func(e *capturev1.Exchange) string { return e.GetRequest().GetPath() }},
	{"query", func(e *capturev1.Exchange) string { return e.GetRequest().GetQuery() }},
	{"route", (*capturev1.Exchange).GetRoute},
	{"status_code", status},
	{"duration_ms", func(e *capturev1.Exchange) string { return millis(e.GetTimings().GetDuration().AsDuration()) }},
	{"upstream_ms", upstreamMillis},
	{"request_size", func(e *capturev1.Exchange) string { return number(e.GetRequest().GetBody().GetSize()) }},
	{"response_size", func(e *capturev1.Exchange) string { return number(e.GetResponse().GetBody().GetSize()) }},
	{"client_ip", func(e *capturev1.Exchange) string { return e.GetConnection().GetClientIp() }},
	{"country", func(e *capturev1.Exchange) string { return e.GetConnection().GetGeo().GetCountryCode() }},
	{"user", func(e *capturev1.Exchange) string { return e.GetPolicy().GetUserName() }},
	{"rule", func(e *capturev1.Exchange) string { return e.GetPolicy().GetRule() }},
	{"action", func(e *capturev1.Exchange) string { return e.GetPolicy().GetAction() }},
	{"error_code", func(e *capturev1.Exchange) string { return e.GetError().GetCode() }},
	{"error_message", func(e *capturev1.Exchange) string { return e.GetError().GetMessage() }},
	{"upstream", func(e *capturev1.Exchange) string { return e.GetUpstream().GetAddress() }},
	{"trace_id", (*capturev1.Exchange).GetTraceId},
	{"replay_of", (*capturev1.Exchange).GetReplayOf},
	{"proxy_id", (*capturev1.Exchange).GetProxyId},
}

func newCSV(out io.Writer, _ bool) (writer, error) {
	t := &table{out: csv.NewWriter(out), row: make([]string, len(columns))}
	for i, c := range columns {
		t.row[i] = c.name
	}
	return t, t.out.Write(t.row)
}

func (t *table) write(e *capturev1.Exchange) error {
	for i, c := range columns {
		t.row[i] = harmless(c.text(e))
	}
	return t.out.Write(t.row)
}

func (t *table) close() error {
	t.out.Flush()
	return t.out.Error()
}

// harmless keeps spreadsheets from taking a client's text for a formula: they show
// what follows an apostrophe as it is.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func status(e *capturev1.Exchange) string {
	if e.GetResponse() == nil {
		return ""
	}
	return number(uint64(e.GetResponse().GetStatusCode()))
}

func upstreamMillis(e *capturev1.Exchange) string {
	if e.GetTimings().GetUpstream() == nil {
		return ""
	}
	return millis(e.GetTimings().GetUpstream().AsDuration())
}

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64)
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }
