package search

import (
	"errors"
	"strings"
	"testing"
)

func TestCEL(t *testing.T) {
	for _, tt := range []struct{ cel, search, printed string }{
		{`true`, `*`, `true`},
		{`req.method == "get"`, `@http.method:GET`, `req.method == "GET"`},
		{`"GET" != req.method`, `NOT @http.method:GET`, `req.method != "GET"`},
		{`ev.http.response.status_code >= 500`, `@http.status_code:>=500`, `res.status_code >= 500`},
		{`object.http.response.status_code < 500u`, `@http.status_code:<500`, `res.status_code < 500`},
		{`500 <= res.status_code`, `@http.status_code:>=500`, `res.status_code >= 500`},
		{`status == "error" || status == 404`, `status:error OR @http.status_code:404`, `status == "error" || res.status_code == 404`},
		{`res.status_code in [500, 502]`, `@http.status_code:500 OR @http.status_code:502`, `res.status_code == 500 || res.status_code == 502`},
		{`res.status_code in []`, `NOT *`, `false`},
		{`!(a.b == 1 && req.method == "PUT")`, `NOT (@a.b:1 AND @http.method:PUT)`, `!(a.b == "1" && req.method == "PUT")`},
		{`has(res.status_code)`, `@http.status_code:*`, `has(res.status_code)`},
		{`res.status_code == null`, `NOT @http.status_code:*`, `!has(res.status_code)`},
		{`has(req.headers.accept) && !("X-Id" in req.headers)`, `@http.request.headers.accept:* AND NOT @http.request.headers.x\-id:*`, `"accept" in req.headers && !("x-id" in req.headers)`},
		{`"gzip" in req.headers["Accept-Encoding"]`, `@http.request.headers.accept\-encoding:gzip`, `"gzip" in req.headers["accept-encoding"]`},
		{`req.headers["accept"].exists(x, x.startsWith("text/") || x == "*")`, `@http.request.headers.accept:text/* OR @http.request.headers.accept:"*"`,
			`req.headers["accept"].exists(v, v.startsWith("text/")) || "*" in req.headers["accept"]`},
		{`req.url.path.endsWith(".js") && req.url.path.contains("a*b")`, `@http.url_details.path:*.js AND @http.url_details.path:*a\*b*`, `req.url.path.endsWith(".js") && req.url.path.contains("a*b")`},
		{`req.url.path.matches("(?s)^/a.b.*$")`, `@http.url_details.path:/a?b*`, `req.url.path.matches("(?s)^/a.b.*$")`},
		{`req.url.path.matches("^/a$")`, `@http.url_details.path:"/a"`, `req.url.path == "/a"`},
		{`req.url.path.matches("")`, `@http.url_details.path:*`, `has(req.url.path)`},
		{`"2" in req.url.query_params["page"]`, `@http.url_details.queryString.page:2`, `"2" in req.url.query_params["page"]`},
		{`inCidrRange(conn.client_ip, "10.0.0.0/8") || conn.client_ip == "::1"`, `CIDR(@network.client.ip, 10.0.0.0/8) OR @network.client.ip:::1`,
			`inCidrRange(conn.client_ip, "10.0.0.0/8") || conn.client_ip == "::1"`},
		{`inCidrRanges(conn.client_ip, ["10.0.0.0/8", "fd00::/8"])`, `CIDR(@network.client.ip, 10.0.0.0/8, fd00::/8)`, `inCidrRange(conn.client_ip, "10.0.0.0/8") || inCidrRange(conn.client_ip, "fd00::/8")`},
		{`duration > duration("1.5s") && http.duration_ms < 2000`, `@duration:>1500ms AND @duration:<2s`, `duration > duration("1500ms") && duration < duration("2s")`},
		{`ts >= now - duration("15m") && ts < now`, `@timestamp:>=now-15m AND @timestamp:<now`, `ts >= now - duration("15m") && ts < now`},
		{`ts == timestamp("2026-11-24T10:00:00Z")`, `@timestamp:[2026-11-24T10:00:00Z TO 2026-11-24T10:00:00.000000001Z}`, `ts >= timestamp("2026-11-24T10:00:00Z") && ts < timestamp("2026-11-24T10:00:00.000000001Z")`},
		{`http.request.body_truncated && backend.connection_reused == false`, `@http.request.body_truncated:true AND @backend.connection_reused:false`,
			`http.request.body_truncated == true && backend.connection_reused == false`},
		{`words("hel*o") && !anywhere("a b")`, `hel*o AND NOT *:"a b"`, `words("hel*o") && !anywhere("a b")`},
		{`circuit_breaker.decision == "open"`, `@circuit_breaker.decision:open`, `circuit_breaker.decision == "open"`},
		{`ev["env"] == "prod" && ev["@x y"] != null`, `env:prod AND @x\ y:*`, `ev["env"] == "prod" && ev["@x y"] != null`},
		{`tenant.seats > 5 && tenant.seats < 9`, `@tenant.seats:>5 AND @tenant.seats:<9`, `tenant.seats > "5" && tenant.seats < "9"`},
		{`tenant.seats.exists(v, v > 5 && v < 9)`, `@tenant.seats:{5 TO 9}`, `tenant.seats.exists(v, v > "5" && v < "9")`},
	} {
		q, err := Parse(" cel:" + tt.cel)
		if err != nil {
			t.Errorf("%s: %v", tt.cel, err)
			continue
		}
		if q.String() != tt.search || q.CEL() != tt.printed {
			t.Errorf("%s\n is %s\nwant %s\n  as %s\nwant %s", tt.cel, q, tt.search, q.CEL(), tt.printed)
		}
	}
}

func TestCELRefuses(t *testing.T) {
	for _, tt := range []struct {
		cel            string
		offset, length int // in the expression
		message        string
	}{
		{``, 0, 0, "no expression"},
		{`req.method ==`, 13, 0, "no expression"},
		{`"é" = 1`, 5, 1, "no expression"},
		{`1`, 0, 1, "a value is no condition"},
		{`req.method`, 0, 10, "is no condition"},
		{`req.method == req.host`, 14, 8, "this is no value"},
		{`req.method + "x" == "GET"`, 20, 5, "this names no field"},
		{`req.method > "GET"`, 0, 18, "has no order"},
		{`res.status_code == "a"`, 0, 22, "this is a text"},
		{`req.method == 1`, 0, 15, "this is a number"},
		{`duration > 5`, 0, 12, "needs a unit"},
		{`duration > duration("x")`, 20, 3, "no duration"},
		{`ts > timestamp("x")`, 15, 3, "no time"},
		{`ts == now`, 0, 9, "nothing happens exactly"},
		{`size(req.method) == 3`, 20, 1, "this names no field"},
		{`req.method.matches("(")`, 19, 3, "no regular expression"},
		{`req.method.matches("(a{500}){500}")`, 19, 14, "no regular expression"},
		{`req.method.matches("[ab]{900}[cd]{900}")`, 19, 20, "too large"},
		{`req.method.lowerAscii() == "get"`, 27, 5, "this names no field"},
		{`req.headers["a"] == "b"`, 0, 16, "is a list"},
		{`req.headers == "b"`, 0, 11, "has members"},
		{`req.headers["a"][0] == "b"`, 0, 19, "this names no field"},
		{`req.headers["a"].exists(v, v == "a" && v == "b")`, 27, 20, "joined by ||"},
		{`req.headers["a"].exists(v, req.method == "a")`, 27, 17, "joined by ||"},
		{`req.headers["a"].all(v, v == "a")`, 0, 31, "no all"},
		{`req.method.exists(v, v == "a")`, 0, 28, "exists needs a list"},
		{`message == "a"`, 0, 7, "searched by words"},
		{`usr.email == "a"`, 0, 9, "no identity"},
		{`inCidrRange(req.method, "10.0.0.0/8")`, 12, 10, "no address"},
		{`inCidrRange(conn.client_ip, "ten")`, 28, 5, "no address block"},
		{`req.method == "a\u0001"`, 14, 9, "control characters"},
		{`b"a" == req.method`, 0, 4, "cannot be searched"},
		{`true ? true : false`, 0, 19, "used like this"},
		{`[1].exists(v, v == 1)`, 0, 1, "no field"},
		{`{"a": 1}`, 0, 1, "cannot be searched"},
	} {
		_, err := Parse(celPrefix + tt.cel)
		var got *SyntaxError
		if !errors.As(err, &got) {
			t.Errorf("%s: error %v, want a SyntaxError", tt.cel, err)
			continue
		}
		if got.Offset < len(celPrefix) || !strings.Contains(got.Message, tt.message) || got.Offset+got.Length > len(celPrefix+tt.cel) ||
			got.Offset != len(celPrefix)+tt.offset {
			t.Errorf("%s: at %d+%d %q, want at %d+%d %q", tt.cel, got.Offset-len(celPrefix), got.Length, got.Message, tt.offset, tt.length, tt.message)
		}
	}
}

func FuzzCEL(f *testing.F) {
	for _, e := range celExamples {
		f.Add(strings.TrimPrefix(e.query, celPrefix))
	}
	for _, tt := range parsed {
		if q, err := Parse(tt.query); err == nil {
			f.Add(q.CEL())
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(celPrefix + text)
		if err != nil {
			var e *SyntaxError
			if !errors.As(err, &e) || e.Offset < 0 || e.Length < 0 || e.Offset+e.Length > len(celPrefix+text) {
				t.Fatalf("%q: bad error %#v", text, err)
			}
			return
		}
		requireRoundTrip(t, q)
		printed := q.CEL()
		again, ok := throughCEL(t, q)
		if ok && again.CEL() != printed {
			t.Fatalf("%q prints as %q and then as %q", text, printed, again.CEL())
		}
	})
}
