package search

import "net/netip"

// row is a capture for tests. A column that is not set has its default: empty, 0
// or, if it is nullable, none.
type row struct {
	text    map[string]string
	number  map[string]int64
	addr    map[string]netip.Addr
	headers map[string]map[string][]string
}

func (r row) Text(column, member string) []string {
	headers, isMap := r.headers[column]
	switch {
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

func (r row) Number(column string) (int64, bool) {
	n, ok := r.number[column]
	return n, ok || column != "status" && column != "upstream_duration_ns"
}

func (r row) Addr(column string) netip.Addr { return r.addr[column] }
