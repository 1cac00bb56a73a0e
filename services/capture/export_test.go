package capture_test

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
)

// file is an export, whole.
type file struct {
	contentType string
	total       int
	content     []byte
}

func (p *process) export(req *capturev1.GetExportRequest) file {
	p.t.Helper()
	s, err := p.capture.GetExport(p.t.Context(), req)
	if err != nil {
		p.t.Fatal(err)
	}
	header, err := s.Header()
	if err != nil {
		p.t.Fatal(err)
	}
	f := file{}
	for {
		part, err := s.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.t.Fatal(err)
		}
		f.contentType += part.GetContentType()
		f.content = append(f.content, part.GetData()...)
	}
	if f.total, err = strconv.Atoi(header.Get("sluice-total")[0]); err != nil {
		p.t.Fatal(err)
	}
	return f
}

// exported stores exchanges that take several pages and returns them as a list of
// single reads would, oldest first.
func exported(t *testing.T, p *process) []*capturev1.Exchange {
	t.Helper()
	start := time.Now().Add(-time.Hour)
	exchanges := append(sample.Some(1, 2500, start, time.Millisecond), sample.Full(start.Add(time.Minute)), sample.Bare(start.Add(2*time.Minute)))
	for _, e := range exchanges[:5] {
		e.StartTime = timestamppb.New(start) // ids decide
	}
	s := p.connect()
	for part := range slices.Chunk(exchanges, 500) {
		s.store(newBatch(part...))
	}
	return exchanges
}

func TestExportOfLines(t *testing.T) {
	p := install(t).start("w1")
	want := exported(t, p)
	f := p.export(&capturev1.GetExportRequest{Format: capturev1.ExportFormat_EXPORT_FORMAT_NDJSON, IncludeBodies: true})
	if f.total != len(want) || f.contentType != "application/x-ndjson" {
		t.Errorf("total %d, type %s", f.total, f.contentType)
	}
	lines := bytes.Split(bytes.TrimSuffix(f.content, []byte("\n")), []byte("\n"))
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		got := &capturev1.Exchange{}
		if err := protojson.Unmarshal(line, got); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		one := proto.CloneOf(want[i])
		one.PolicyTrace, one.Messages = nil, nil // only in reads of one
		one.Route = got.GetRoute()               // which capture finds
		if diff := cmp.Diff(one, got, protocmp.Transform(), protocmp.IgnoreEmptyMessages()); diff != "" {
			t.Fatalf("line %d (-want +got):\n%s", i+1, diff)
		}
	}
}

func TestExportHonoursFilterAndLimit(t *testing.T) {
	p := install(t).start("w1")
	exported(t, p)
	for _, c := range []struct {
		req  *capturev1.GetExportRequest
		want int
	}{
		{&capturev1.GetExportRequest{Filter: "service:shop @http.method:PATCH"}, 1},
		{&capturev1.GetExportRequest{Limit: 2001}, 2001},
		{&capturev1.GetExportRequest{Filter: "@http.method:NONE"}, 0},
	} {
		c.req.Format = capturev1.ExportFormat_EXPORT_FORMAT_CSV
		f := p.export(c.req)
		rows, err := csv.NewReader(bytes.NewReader(f.content)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if f.total != c.want || len(rows) != c.want+1 {
			t.Errorf("%v: total %d, %d rows, want %d", c.req, f.total, len(rows)-1, c.want)
		}
	}
}

func TestExportOfTable(t *testing.T) {
	p := install(t).start("w1")
	e := sample.Full(time.Now().Add(-time.Minute))
	e.Policy.UserName = "=HYPERLINK(1)"
	p.connect().store(newBatch(e))
	f := p.export(&capturev1.GetExportRequest{Format: capturev1.ExportFormat_EXPORT_FORMAT_CSV})
	rows, err := csv.NewReader(bytes.NewReader(f.content)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	for name, want := range map[string]string{
		"id": e.GetId(), "method": "pAtCh", "path": "/a b/ü", "status_code": "207", "duration_ms": "123.456789", "upstream_ms": "100",
		"request_size": "9000", "client_ip": "203.0.113.9", "error_code": "SLUICE_3005", "user": "'=HYPERLINK(1)",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestExportOfArchive(t *testing.T) {
	p := install(t).start("w1")
	e := sample.Full(time.Now().Add(-time.Minute))
	p.connect().store(newBatch(e, sample.Bare(time.Now())))
	f := p.export(&capturev1.GetExportRequest{Format: capturev1.ExportFormat_EXPORT_FORMAT_HAR, IncludeBodies: true})
	var archive struct {
		Log struct {
			Version string
			Entries []struct {
				Time    float64
				Request struct {
					Method, URL string
					Headers     []struct{ Name, Value string }
					QueryString []struct{ Name, Value string }
					PostData    *struct {
						Text     string
						Encoding string `json:"_encoding"`
					}
				}
				Response struct {
					Status  int
					Content struct{ Text string }
					Cookies []struct{ Name, Value string }
				}
				Timings struct{ Send, Wait, Receive float64 }
			}
		}
	}
	if err := json.Unmarshal(f.content, &archive); err != nil {
		t.Fatal(err)
	}
	if archive.Log.Version != "1.2" || len(archive.Log.Entries) != 2 {
		t.Fatalf("version %s, %d entries", archive.Log.Version, len(archive.Log.Entries))
	}
	first := archive.Log.Entries[0]
	if got := first.Request; got.Method != "pAtCh" || got.URL != e.GetRequest().GetUrl() || len(got.Headers) != 6 || got.QueryString[1].Value != " " {
		t.Errorf("the request is %+v", got)
	}
	body, err := base64.StdEncoding.DecodeString(first.Request.PostData.Text)
	if err != nil || first.Request.PostData.Encoding != "base64" || !bytes.Equal(body, e.GetRequest().GetBody().GetContent()) {
		t.Errorf("the request's body is %+v", first.Request.PostData)
	}
	if got := first.Response; got.Status != 207 || got.Content.Text != "ok" || len(got.Cookies) != 2 {
		t.Errorf("the response is %+v", got)
	}
	if sum := first.Timings.Send + first.Timings.Wait + first.Timings.Receive; sum != first.Time {
		t.Errorf("the timings add up to %v of %v", sum, first.Time)
	}
	if second := archive.Log.Entries[1]; second.Response.Status != 0 {
		t.Errorf("no response became %+v", second.Response)
	}
}

func TestExportOfColumns(t *testing.T) {
	p := install(t).start("w1")
	want := exported(t, p)
	f := p.export(&capturev1.GetExportRequest{Format: capturev1.ExportFormat_EXPORT_FORMAT_PARQUET, IncludeBodies: true})
	type row struct {
		ID         string   `parquet:"id"`
		StatusCode *uint32  `parquet:"status_code,optional"`
		Names      []string `parquet:"request_header_names,list"`
		Body       []byte   `parquet:"request_body"`
	}
	rows, err := parquet.Read[row](bytes.NewReader(f.content), int64(len(f.content)))
	if err != nil || len(rows) != len(want) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, got := range rows {
		e := want[i]
		if got.ID != e.GetId() || !bytes.Equal(got.Body, e.GetRequest().GetBody().GetContent()) || len(got.Names) != len(e.GetRequest().GetHeaders()) {
			t.Fatalf("row %d is %+v", i, got)
		}
		if (got.StatusCode == nil) != (e.GetResponse() == nil) || got.StatusCode != nil && *got.StatusCode != e.GetResponse().GetStatusCode() {
			t.Fatalf("row %d has status %v", i, got.StatusCode)
		}
	}
}

func TestExportNeedsAFormat(t *testing.T) {
	p := install(t).start("w1")
	s, err := p.capture.GetExport(t.Context(), &capturev1.GetExportRequest{})
	if err == nil {
		_, err = s.Recv()
	}
	var e *errs.Error
	if !errors.As(errs.FromGRPC(err), &e) || len(e.Violations) == 0 || e.Violations[0].Field != "format" {
		t.Errorf("no format gives %v", err)
	}
}
