package search

import (
	"net/netip"
	"slices"
	"strings"
)

// row is a capture for tests. A column that is not set has its default: empty, 0
// or, if it is nullable, none.
type row struct {
	text    map[string]string
	number  map[string]int64
	addr    map[string]netip.Addr
	headers map[string]map[string][]string
	lists   map[string][]string
}

func (r row) Text(column, member string) []string {
	headers, isMap := r.headers[column]
	switch {
	case column == "policy_logs" || column == "redacted_by":
		return r.lists[column]
	case column == "policy_decisions":
		return headers[member][:min(1, len(headers[member]))]
	case !isMap && (column == "req_headers" || column == "res_headers"):
		return nil
	case !isMap:
		return []string{r.text[column]}
	case member != "":
		return headers[member]
	}
	var values []string
	for _, v := range headers {
		values = append(values, v...)
	}
	return values
}

func (r row) Number(name string) (int64, bool) {
	n, ok := r.number[name]
	return n, ok || !slices.ContainsFunc(columns, func(c column) bool { return c.name == name && strings.HasPrefix(c.kind, "Nullable") })
}

func (r row) Addr(column string) netip.Addr { return r.addr[column] }
