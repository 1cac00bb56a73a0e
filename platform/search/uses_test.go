package search_test

import (
	"slices"
	"testing"

	"sluice.dev/platform/search"
)

func TestColumnsAreThoseThatTheQueryReads(t *testing.T) {
	for query, want := range map[string][]string{
		"": nil, "source:sluice": nil, "method:GET -@http.status_code:5xx": {"method", "status"},
		"route:/a OR NOT (method:GET method:PUT)": {"method", "route"}, "word": {"message"}, "header.x:1": {"req_headers"},
	} {
		q, err := search.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Columns(); !slices.Equal(got, want) {
			t.Errorf("%q reads %q, want %q", query, got, want)
		}
	}
}

func TestClausesReadBack(t *testing.T) {
	for _, c := range [][2]string{
		{"method", "GET"}, {"@http.status_code", "404"}, {"status", "error"}, {"@http.status_class", "5xx"}, {"ip", "10.0.0.7"}, {"ip", "2001:db8::1"},
		{"path", `/a b/*?"\{x}`}, {"header.x-a", "TO"}, {"service", "and"}, {"duration", "1500ms"}, {"query.q", "ü:1"},
	} {
		if _, err := search.Parse(search.Clause(c[0], c[1])); err != nil {
			t.Errorf("%s: %v", search.Clause(c[0], c[1]), err)
		}
	}
}

func TestNeedlesAreInEveryMatch(t *testing.T) {
	for query, want := range map[string][]string{
		"": nil, "*:Hello": {"hello"}, "*:abc": nil, "*:Hello OR *:world": nil, "*:Hello -*:world method:GET": {"hello"},
		"body:*some_thing*": {"thing"}, `resbody:"a long text"`: {"long"}, "path:/api/orders": nil, "SLUICE_3005 word": {"sluice", "word"},
		"body:*": nil, "*:über": nil, "*:ab?cdef*g": {"cdef"},
	} {
		q, err := search.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Needles(); !slices.Equal(got, want) {
			t.Errorf("%q has the needles %q, want %q", query, got, want)
		}
	}
}
