package benchmark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"sluice.dev/platform/search"
	"sluice.dev/services/capture/internal/store"
)

// repeats is how often each query runs; the median counts.
const repeats = 7

// panel is the fields of the facet panel.
var panel = []string{
	"@http.status_class", "@http.status_code", "@http.method", "service", "@http.route",
	"@network.client.geoip.country.iso_code", "@network.client.ip", "@traffic_policy.action", "@error.kind",
}

// searches are one for each index, for frequent, rare and absent values, and for
// text in bodies.
var searches = []string{
	"", "status:error", "@http.status_code:503", "@http.status_code:507", "method:DELETE", "service:hub", "route:/api/v1/refunds",
	"path:/api/v1/orders/123456", "user:user4321@example.com", "ip:191.111.76.100", "ip:198.51.100.7", "country:CH", "error:SLUICE_3099", "action:rate-limit",
	"duration:>1s", "trace_id:00000000000000000000000000000000", "orders", "SLUICE_3008", "@http.status_code:5xx user:user0001@example.com",
	"*:user4999", "*:" + rareWord(), "resbody:*" + rareWord() + "*", "resbody:*nosuchword*", "body:*123456*",
}

func rareWord() string { return words[len(words)-2] }

// Measure writes how fast a store that Load filled answers, as Markdown tables.
func Measure(ctx context.Context, dsn string, out io.Writer, log *slog.Logger) error {
	s, err := open(ctx, dsn, log)
	if err != nil {
		return err
	}
	defer s.Close()
	day, err := lastDay(ctx, s)
	if err != nil {
		return err
	}
	if err := usage(ctx, s, out); err != nil {
		return err
	}
	if err := pages(ctx, s, day, out); err != nil {
		return err
	}
	return overview(ctx, s, day, out)
}

// lastDay is the 24 hours that end with the newest exchange.
func lastDay(ctx context.Context, s *store.Store) (store.Range, error) {
	everything, err := search.Parse("")
	if err != nil {
		return store.Range{}, err
	}
	now := time.Now()
	newest, _, err := s.List(ctx, store.ListQuery{Range: store.Range{From: now.Add(-7 * span), Until: now.Add(time.Hour)}, Filter: everything, Limit: 1})
	if err != nil {
		return store.Range{}, fmt.Errorf("find the newest exchange: %w", err)
	}
	if len(newest) == 0 {
		return store.Range{}, errors.New("the store has no exchanges of the last week")
	}
	until := newest[0].GetStartTime().AsTime().Add(1)
	return store.Range{From: until.Add(-span), Until: until}, nil
}

func usage(ctx context.Context, s *store.Store, out io.Writer) error {
	tables, _, err := s.Usage(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(out, "| table | rows | bytes on disk a row | before compression |\n| --- | ---: | ---: | ---: |\n")
	for _, t := range tables {
		if t.Rows > 0 {
			fmt.Fprintf(out, "| `%s` | %d | %d | %d |\n", t.Table, t.Rows, t.Bytes/t.Rows, t.RawBytes/t.Rows)
		}
	}
	fmt.Fprintln(out)
	return nil
}

// pages measures the first 100 exchanges of each search over a day.
func pages(ctx context.Context, s *store.Store, day store.Range, out io.Writer) error {
	fmt.Fprint(out, "| first page of | median | fastest | found | granules left by each index |\n| --- | ---: | ---: | ---: | --- |\n")
	for _, text := range searches {
		filter, err := search.Parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		q, found := store.ListQuery{Range: day, Filter: filter, Limit: 100}, 0
		median, fastest, err := timed(func() error {
			page, _, err := s.List(ctx, q)
			found = len(page)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		plan, err := s.Plan(ctx, q)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %d | %s |\n", text, median, fastest, found, plan)
	}
	fmt.Fprintln(out)
	return nil
}

// overview measures the histogram and the facet panel of a day, from the exchanges
// and then from counts.
func overview(ctx context.Context, s *store.Store, day store.Range, out io.Writer) error {
	fmt.Fprint(out, "| a day's | filter | median | fastest |\n| --- | --- | ---: | ---: |\n")
	for _, source := range []string{"from exchanges", "from counts"} {
		if source == "from counts" {
			took, err := count(ctx, s)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "| counting all, once | | %s | |\n", took)
		}
		for _, text := range []string{"", "service:shop", "status:error", "user:user0001@example.com"} {
			filter, err := search.Parse(text)
			if err != nil {
				return err
			}
			median, fastest, err := timed(func() error {
				_, err := s.Histogram(ctx, store.HistogramQuery{Range: day, Origin: day.From.Truncate(15 * time.Minute), Filter: filter, Interval: 15 * time.Minute})
				if err != nil {
					return err
				}
				_, err = s.Facets(ctx, store.FacetQuery{Range: day, Filter: filter, Fields: panel, Limit: 10})
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "| histogram and facets %s | `%s` | %s | %s |\n", source, text, median, fastest)
		}
	}
	fmt.Fprintln(out)
	return nil
}

// count brings the counts up to date, for which the last exchange must have been
// noted for a while.
func count(ctx context.Context, s *store.Store) (time.Duration, error) {
	if err := s.Recover(ctx, writer, 0); err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(store.Lull + time.Second):
	}
	begin := time.Now()
	err := s.Roll(ctx)
	return time.Since(begin).Round(time.Millisecond), err
}

// timed runs a query several times.
func timed(query func() error) (median, fastest time.Duration, err error) {
	var all []time.Duration
	for range repeats {
		begin := time.Now()
		if err := query(); err != nil {
			return 0, 0, err
		}
		all = append(all, time.Since(begin).Round(100*time.Microsecond))
	}
	slices.Sort(all)
	return all[len(all)/2], all[0], nil
}
