package message_test

import (
	"reflect"
	"testing"

	"sluice.dev/platform/message"
)

func TestHeaderKeepsOrderAndSpelling(t *testing.T) {
	var h message.Header
	h.Add("Host", "a")
	h.Add("X-Id", "1")
	h.Add("accept", "*/*")
	h.Add("x-ID", "2")

	if got := h.Values("X-ID"); !reflect.DeepEqual(got, []string{"1", "2"}) {
		t.Errorf("Values = %q", got)
	}
	h.Set("x-id", "3")
	want := message.Header{{"Host", "a"}, {"x-id", "3"}, {"accept", "*/*"}}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("after Set: %v, want %v", h, want)
	}
	if n := h.Del("HOST"); n != 1 || h.Has("host") || h.Len() != 2 {
		t.Errorf("Del removed %d, left %v", n, h)
	}
	h.Set("new", "v")
	if h.Get("New") != "v" || h.Count("new") != 1 {
		t.Errorf("Set of a new name: %v", h)
	}
}

func TestHeaderCloneIsIndependent(t *testing.T) {
	h := message.Header{{"a", "1"}}
	c := h.Clone()
	c.Set("a", "2")
	if h.Get("a") != "1" {
		t.Error("a change of the clone reached the original")
	}
}

func TestRequestURL(t *testing.T) {
	tests := []struct{ target, full, path, rawPath, query string }{
		{"/", "https://h:8/", "/", "/", ""},
		{"/a%20b?x=1&y", "https://h:8/a%20b?x=1&y", "/a b", "/a%20b", "x=1&y"},
		{"//evil/x", "https://h:8//evil/x", "//evil/x", "//evil/x", ""},
		{"/a/%2e%2e/admin/./", "https://h:8/a/%2e%2e/admin/./", "/admin/", "/a/%2e%2e/admin/./", ""},
		{"/..", "https://h:8/..", "/", "/..", ""},
		{"/bad%zz", "https://h:8/bad%25zz", "/bad%zz", "/bad%zz", ""},
		{"*", "https://h:8/*", "*", "*", ""},
	}
	for _, tt := range tests {
		r := &message.Request{Target: tt.target, Scheme: "https", Host: "h:8"}
		if r.URL().String() != tt.full || r.Path() != tt.path || r.RawPath() != tt.rawPath || r.RawQuery() != tt.query {
			t.Errorf("%s: %s %s %s %s", tt.target, r.URL(), r.Path(), r.RawPath(), r.RawQuery())
		}
	}
}

func TestRequestCachesFollowTheTarget(t *testing.T) {
	r := &message.Request{Target: "/a?k=1", Host: "h"}
	first := r.URL()
	if r.URL() != first || r.Query().Get("k") != "1" {
		t.Fatal("first read")
	}
	r.Target = "/b?k=2"
	if r.URL().Path != "/b" || r.Query().Get("k") != "2" {
		t.Errorf("stale: %s %v", r.URL(), r.Query())
	}
}

func TestCookies(t *testing.T) {
	r := &message.Request{Header: message.Header{{"Cookie", `a=1; b="two"; bad name=3; c`}, {"cookie", "a=4"}}}
	want := []message.Cookie{{"a", "1"}, {"b", "two"}, {"a", "4"}}
	if got := r.Cookies(); !reflect.DeepEqual(got, want) {
		t.Errorf("Cookies = %v, want %v", got, want)
	}
	res := &message.Response{Header: message.Header{{"Set-Cookie", "s=1; Path=/x; HttpOnly"}}}
	if got := res.Cookies(); len(got) != 1 || got[0].Path != "/x" || !got[0].HttpOnly {
		t.Errorf("Set-Cookie = %v", got)
	}
}

func TestFieldGrammar(t *testing.T) {
	if message.ValidName("bad name") || message.ValidName("") || !message.ValidName("X-Ok_1") {
		t.Error("ValidName")
	}
	if message.ValidValue("a\r\nb") || message.ValidValue("\x00") || !message.ValidValue("a\tb é") {
		t.Error("ValidValue")
	}
}
