package store

import (
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Sort is what a list is ordered by; exchanges with the same value are ordered by
// their id.
type Sort string

// What lists can be ordered by. Without response the status counts as 0.
const (
	ByStart        Sort = "start_time"
	ByDuration     Sort = "duration"
	ByStatus       Sort = "status_code"
	ByRequestSize  Sort = "request_size"
	ByResponseSize Sort = "response_size"
)

// Sorts lists them.
func Sorts() []Sort { return []Sort{ByStart, ByDuration, ByStatus, ByRequestSize, ByResponseSize} }

// Order is the order of a list: by start, the newest first, if it is zero.
type Order struct {
	By        Sort
	Ascending bool
}

// byTime reports whether the order is that of the table.
func (o Order) byTime() bool { return o.By == "" || o.By == ByStart }

// Place is where a page of a list in this order ends, if e is its last.
func (o Order) Place(e *capturev1.Exchange) Place {
	p := Place{Time: e.GetStartTime().AsTime(), ID: e.GetId()}
	switch o.By {
	case ByDuration:
		p.Value = nanoseconds(e.GetTimings().GetDuration())
	case ByStatus:
		p.Value = uint64(e.GetResponse().GetStatusCode())
	case ByRequestSize:
		p.Value = e.GetRequest().GetBody().GetSize()
	case ByResponseSize:
		p.Value = e.GetResponse().GetBody().GetSize()
	}
	return p
}

// column is what rows are compared by; never NULL.
func (s Sort) column() string {
	switch s {
	case ByDuration:
		return "duration_ns"
	case ByStatus:
		return "ifNull(status, 0)"
	case ByRequestSize:
		return "req_body_size"
	case ByResponseSize:
		return "res_body_size"
	}
	return "ts"
}

// sign is the comparison that rows after a place fulfil.
func (o Order) sign() string {
	if o.Ascending {
		return ">"
	}
	return "<"
}

// after is the condition for rows behind a place; empty for the first page. The
// bound on the column alone is what an index can work with.
func (q *statement) after(o Order, p Place) string {
	if p.ID == "" {
		return ""
	}
	column, sign := o.By.column(), o.sign()
	var at string
	if o.byTime() {
		at = q.instant(p.Time)
	} else {
		at = q.number(p.Value)
	}
	return " AND " + column + " " + sign + "= " + at + " AND (" + column + " " + sign + " " + at + " OR id " + sign + " " + q.text(p.ID) + ")"
}

// clause is the ORDER BY of a list.
func (o Order) clause() string {
	direction := " DESC"
	if o.Ascending {
		direction = ""
	}
	return " ORDER BY " + o.By.column() + direction + ", id" + direction
}
