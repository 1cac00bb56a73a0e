// Package export writes recorded exchanges as files: HTTP Archive, JSON lines,
// CSV and Parquet. It reads the store page by page and writes as it reads, so
// that neither the number of exchanges nor a slow reader takes memory.
//
// It redacts nothing: what is stored has been redacted already.
package export

import (
	"context"
	"io"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

const (
	// Exchanges read at once, without bodies and with them.
	pageRows     = 2000
	pageBodyRows = 100
)

// Source is where exchanges come from.
type Source interface {
	Scan(ctx context.Context, q store.ScanQuery) ([]*capturev1.Exchange, error)
	Count(ctx context.Context, between store.Range, filter *search.Query) (uint64, error)
}

// Query says what is exported.
type Query struct {
	Range  store.Range
	Filter *search.Query
	// Limit is the most exchanges; 0 means all.
	Limit  uint64
	Bodies bool
	// Newest reads the newest first instead of the oldest.
	Newest bool
}

// Total returns how many exchanges the query has.
func (q Query) Total(ctx context.Context, from Source) (uint64, error) {
	n, err := from.Count(ctx, q.Range, q.Filter)
	if q.Limit > 0 {
		n = min(n, q.Limit)
	}
	return n, err
}

// Write writes all exchanges of the query to out, in its order.
func (q Query) Write(ctx context.Context, from Source, f Format, out io.Writer) error {
	w, err := f.open(out, q.Bodies)
	if err != nil {
		return errs.Internal(err)
	}
	if err := q.Each(ctx, from, w.write); err != nil {
		return err
	}
	return w.close()
}

// Each calls use for every exchange of the query, in its order.
func (q Query) Each(ctx context.Context, from Source, use func(*capturev1.Exchange) error) error {
	page := store.ScanQuery{Range: q.Range, Filter: q.Filter, Bodies: q.Bodies, Newest: q.Newest, Limit: pageRows}
	if q.Bodies {
		page.Limit = pageBodyRows
	}
	for left := q.Limit; ; {
		exchanges, err := from.Scan(ctx, page)
		if err != nil {
			return err
		}
		for _, e := range exchanges {
			if err := use(e); err != nil {
				return err
			}
			if left--; left == 0 { // never, when it began as 0
				return nil
			}
		}
		if len(exchanges) < page.Limit {
			return nil
		}
		last := exchanges[len(exchanges)-1]
		page.After = store.Place{Time: last.GetStartTime().AsTime(), ID: last.GetId()}
	}
}

// writer writes exchanges in one format.
type writer interface {
	write(e *capturev1.Exchange) error
	close() error
}

// Format is a file format.
type Format struct {
	// ContentType and Extension, without the dot, of its files.
	ContentType, Extension string
	open                   func(out io.Writer, bodies bool) (writer, error)
}

var formats = map[capturev1.ExportFormat]Format{
	capturev1.ExportFormat_EXPORT_FORMAT_HAR:     {"application/json", "har", newHAR},
	capturev1.ExportFormat_EXPORT_FORMAT_NDJSON:  {"application/x-ndjson", "ndjson", newNDJSON},
	capturev1.ExportFormat_EXPORT_FORMAT_CSV:     {"text/csv; charset=utf-8; header=present", "csv", newCSV},
	capturev1.ExportFormat_EXPORT_FORMAT_PARQUET: {"application/vnd.apache.parquet", "parquet", newParquet},
}

// FormatOf returns a format by its name in the API.
func FormatOf(f capturev1.ExportFormat) (Format, error) {
	if known, ok := formats[f]; ok {
		return known, nil
	}
	e := errs.InvalidField("format", "no file format was named")
	e.Violations[0].Hint = "use EXPORT_FORMAT_HAR, EXPORT_FORMAT_NDJSON, EXPORT_FORMAT_CSV or EXPORT_FORMAT_PARQUET"
	return Format{}, e
}

// FileName is what a downloaded file is called.
func (f Format) FileName(now time.Time) string {
	return "sluice-" + now.UTC().Format("20060102-150405") + "." + f.Extension
}
