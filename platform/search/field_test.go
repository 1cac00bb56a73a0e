package search

import (
	"slices"
	"strings"
	"testing"
)

func TestFieldsAreWhole(t *testing.T) {
	owner := map[string]string{}
	for _, f := range Fields() {
		for _, n := range f.Names() {
			if other, taken := owner[n]; taken {
				t.Errorf("%s names both %s and %s", n, other, f.Name)
			}
			owner[n] = f.Name
		}
		if f.Doc == "" || f.Type == "" {
			t.Errorf("%s lacks a type or a text", f.Name)
		}
		stored := f.Column != "" || f.Constant != nil
		if stored == (f.Unsupported != "") {
			t.Errorf("%s must either be stored or say why it is not", f.Name)
		}
		if f.derive == nil && f.Column != "" && !slices.ContainsFunc(columns, func(c column) bool { return c.name == f.Column }) {
			t.Errorf("%s: captures have no column %s", f.Name, f.Column)
		}
		if f.AnyCase && f.fold == nil || f.numbers != "" && byName[f.numbers] == nil {
			t.Errorf("%s is declared by halves", f.Name)
		}
	}
}

func TestLookup(t *testing.T) {
	tests := []struct{ name, field, member string }{
		{"status", "status", ""},
		{"@http.status_code", "@http.status_code", ""},
		{"@object.http.response.status_code", "@http.status_code", ""},
		{"method", "@http.method", ""},
		{"header.X-Id", "@http.request.headers", "x-id"},
		{"query.Page", "@http.url_details.queryString", "Page"},
		{"@http.referer", "@http.referer", "referer"},
		{"country", "@network.client.geoip.country.iso_code", ""},
		{"header.", "", ""},
		{"@nothing", "", ""},
	}
	for _, tt := range tests {
		f, member, ok := Lookup(tt.name)
		if f.Name != tt.field || ok != (tt.field != "") || member != tt.member {
			t.Errorf("Lookup(%s) = %s, %s, %v", tt.name, f.Name, member, ok)
		}
	}
}

func TestReferenceNamesEveryField(t *testing.T) {
	page := Reference()
	for _, f := range Fields() {
		for _, n := range f.Names() {
			if !strings.Contains(page, "`"+n+"`") {
				t.Errorf("the reference lacks %s", n)
			}
		}
	}
	for _, e := range slices.Concat(examples, celExamples) {
		if _, err := Parse(e.query); err != nil {
			t.Errorf("example %s: %v", e.query, err)
		}
	}
}
