package store

import (
	"context"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// RouteQuery asks for the routes of an endpoint, or of all if it is empty.
type RouteQuery struct {
	Range
	EndpointID string
	Limit      int
}

// The same columns of exchanges and of the counts by minute. A minute's exchanges
// were last seen at its end, or at the end of the range.
const (
	routeKeys  = "endpoint_id, endpoint_name, method, route"
	rawRoutes  = routeKeys + ", count() AS n, countIf(ifNull(status, 599) >= 500) AS e, quantileDDState(0.002, 0.5)(toFloat64(duration_ns)) AS d, max(toUnixTimestamp64Nano(ts)) AS seen"
	slowRoutes = routeKeys + ", sum(count) AS n, sumIf(count, ifNull(status, 599) >= 500) AS e, quantileDDMergeState(0.002, 0.5)(duration_state) AS d, max(toInt64(toUnixTimestamp(minute)) + 60) * 1000000000 - 1 AS seen"
)

// Routes returns routes with the most requests first. Exchanges without a route
// count for none.
func (s *Store) Routes(ctx context.Context, r RouteQuery) (routes []*capturev1.ListRoutesResponse_Route, err error) {
	var between Range
	between.From, between.Until = s.visible(r.Range)
	rolled, raw := s.Ledger.counted(byMinute, between)
	if len(rolled)+len(raw) > maxStretches {
		rolled, raw = nil, []Range{between}
	}
	q := &statement{}
	q.add("SELECT endpoint_id, any(endpoint_name), method, route, sum(n) AS total, sum(e), quantileDDMerge(0.002, 0.5)(d), quantileDDMerge(0.002, 0.95)(d), max(seen) FROM (")
	if len(raw) > 0 {
		q.add("SELECT ", rawRoutes, " FROM exchanges WHERE ", q.stretches(raw, q.within), q.ofEndpoint(r.EndpointID), " GROUP BY ", routeKeys)
	}
	if len(raw) > 0 && len(rolled) > 0 {
		q.add(" UNION ALL ")
	}
	if len(rolled) > 0 {
		within := func(from, until time.Time) string {
			return "minute >= " + q.second(from) + " AND minute < " + q.second(until)
		}
		q.add("SELECT ", slowRoutes, " FROM exchanges_minute FINAL WHERE ", q.stretches(rolled, within), q.ofEndpoint(r.EndpointID), " GROUP BY ", routeKeys)
	}
	q.add(") GROUP BY endpoint_id, method, route ORDER BY total DESC, endpoint_id, route, method LIMIT ", strconv.Itoa(r.Limit))
	err = s.query(ctx, q, func(rows driver.Rows) error {
		one := &capturev1.ListRoutesResponse_Route{}
		var seen int64
		if err := rows.Scan(&one.EndpointId, &one.EndpointName, &one.Method, &one.Route, &one.Requests, &one.Errors, &one.P50, &one.P95, &seen); err != nil {
			return err
		}
		one.P50, one.P95 = one.P50/1e9, one.P95/1e9
		one.LastSeenAt = timestamppb.New(time.Unix(0, min(seen, between.Until.UnixNano())))
		routes = append(routes, one)
		return nil
	})
	return routes, err
}

func (q *statement) ofEndpoint(endpointID string) string {
	if endpointID == "" {
		return " AND route != ''"
	}
	return " AND route != '' AND endpoint_id = " + q.text(endpointID)
}
