package search

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
)

// parsed is the conformance list: what a query means, in canonical form.
var parsed = []struct{ query, canonical string }{
	{``, `*`},
	{"  \t\n", `*`},
	{`*`, `*`},
	{`*:*`, `*`},
	{`@http.status_code:500`, `@http.status_code:500`},
	{`@http.status_code:5xx`, `@http.status_code:[500 TO 599]`},
	{`-@http.status_code:200`, `NOT @http.status_code:200`},
	{`-@http.status_code:*`, `NOT @http.status_code:*`},
	{`@http.status_code:[400 TO 499]`, `@http.status_code:[400 TO 499]`},
	{`@http.status_code:{399 TO 500}`, `@http.status_code:{399 TO 500}`},
	{`@http.status_code:[400 TO 500}`, `@http.status_code:[400 TO 500}`},
	{`@http.status_code:[500 TO *]`, `@http.status_code:>=500`},
	{`@http.status_code:[* TO 500}`, `@http.status_code:<500`},
	{`@http.status_code:[* TO *]`, `@http.status_code:*`},
	{`@http.status_code:(500 OR 502 OR 503)`, `@http.status_code:500 OR @http.status_code:502 OR @http.status_code:503`},
	{`@http.status_code:(-200 -204)`, `NOT @http.status_code:200 AND NOT @http.status_code:204`},
	{`@http.url_details.path:"/api/v1/test"`, `@http.url_details.path:"/api/v1/test"`},
	{`@http.url_details.path:/api\-v1/*`, `@http.url_details.path:/api\-v1/*`},
	{`@http.url_details.path:/api-v1/*`, `@http.url_details.path:/api\-v1/*`},
	{`@http.url:https://x/y?a=b`, `@http.url:https\://x/y?a\=b`},
	{`@http.url:https://x/y`, `@http.url:"https://x/y"`},
	{`@a:hello\:world`, `@a:"hello:world"`},
	{`@a:"hello:world"`, `@a:"hello:world"`},
	{`@a:hello?world`, `@a:hello?world`},
	{`@a:"*x*"`, `@a:"*x*"`},
	{`@duration:>500ms`, `@duration:>500ms`},
	{`@duration:>500000000`, `@duration:>500ms`},
	{`@x:-5`, `@x:"-5"`},
	{`@x:[-5 TO 5]`, `@x:["-5" TO 5]`},
	{`@x:>-5`, `@x:>"-5"`},
	{`env:(prod OR test)`, `env:prod OR env:test`},
	{`(env:prod AND -version:beta)`, `env:prod AND NOT version:beta`},
	{`service:web*`, `service:web*`},
	{`service:*mongo`, `service:*mongo`},
	{`hello world`, `hello AND world`},
	{`"hello dolly"`, `"hello dolly"`},
	{`*:hello`, `*:hello`},
	{`*:"hello world"`, `*:"hello world"`},
	{`a OR b c`, `a OR (b AND c)`},
	{`NOT (a OR b)`, `NOT (a OR b)`},
	{`CIDR(@network.client.ip, 10.0.0.0/8, fd00::/8)`, `CIDR(@network.client.ip, 10.0.0.0/8, fd00::/8)`},
	{`NOT(CIDR(@network.client.ip,13.0.0.0/8)) method:POST`, `NOT CIDR(@network.client.ip, 13.0.0.0/8) AND @http.method:POST`},
	{`source:ngrok @evt.name:http_request_complete.v0 @object.conn.server_name:a.example`,
		`source:ngrok AND @evt.name:http_request_complete.v0 AND @conn.server_name:a.example`},

	// Operators.
	{`a && b || c`, `(a AND b) OR c`},
	{`a||b`, `a OR b`},
	{`!a`, `NOT a`},
	{`- a`, `NOT a`},
	{`NOT NOT a`, `a`},
	{`-(-a)`, `a`},
	{`+a +b`, `a AND b`},
	{`NOT(a)AND(b)OR"c"`, `(NOT a AND b) OR c`},
	{`a AND (b AND c)`, `a AND b AND c`},
	{`(a OR b) (c OR (d e))`, `(a OR b) AND (c OR (d AND e))`},
	{`ANDROID NOTE`, `ANDROID AND NOTE`},
	{`"AND" \OR`, `"AND" AND "OR"`},
	{`a-b c!d`, `a-b AND "c!d"`},
	{`env:(a b OR -(c d))`, `(env:a AND env:b) OR NOT (env:c AND env:d)`},

	// Words and values.
	{`foo=bar`, `"foo=bar"`},
	{`"a \"b\" \\"`, `"a \"b\" \\"`},
	{`@a:"x\*"`, `@a:"x*"`},
	{`he*o wor?d`, `he*o AND wor?d`},
	{`a**b`, `a*b`},
	{`@a:""`, `@a:""`},
	{`@a:*`, `@a:*`},
	{`_exists_:a _missing_:@b`, `a:* AND NOT @b:*`},
	{`_exists_:http.status_code`, `@http.status_code:*`},
	{`message:hello message:*`, `hello AND *`},
	{`*:(a OR b)`, `*:a OR *:b`},
	{`@a.[b.c].d\ e:x`, `@a.b.c.d\ e:x`},

	// Fields.
	{`status:500 status:4xx status:>=500 status:*`, `@http.status_code:500 AND @http.status_code:[400 TO 499] AND @http.status_code:>=500 AND @http.status_code:*`},
	{`status:error status:w*`, `status:error AND status:w*`},
	{`status:(error OR 404)`, `status:error OR @http.status_code:404`},
	{`method:post method:p*`, `@http.method:POST AND @http.method:P*`},
	{`host:Example.COM`, `@http.url_details.host:example.com`},
	{`@object.http.response.status_code:500 @http.response.status_code:501`, `@http.status_code:500 AND @http.status_code:501`},
	{`header.X-Token:* resheader.ETag:"x"`, `@http.request.headers.x\-token:* AND @http.response.headers.etag:x`},
	{`query.q:a @http.url_details.queryString.Q:b`, `@http.url_details.queryString.q:a AND @http.url_details.queryString.Q:b`},
	{`@http.version:2 @http.version:1.1`, `@http.version:HTTP/2.0 AND @http.version:HTTP/1.1`},
	{`duration:1.5s upstream:<=2ms @http.duration_ms:>3`, `@duration:1500ms AND @http.upstream_duration:<=2ms AND @duration:>3ms`},
	{`@http.request.body_length:>=1.5KiB`, `@http.request.body_length:>=1536`},
	{`ip:10.1.2.3/8 ip:::1 ip:::ffff:1.2.3.4 ip:10.*`, `CIDR(@network.client.ip, 10.0.0.0/8) AND @network.client.ip:::1 AND @network.client.ip:1.2.3.4 AND @network.client.ip:10.*`},
	{`ip:[10.0.0.1 TO 10.0.0.9]`, `@network.client.ip:[10.0.0.1 TO 10.0.0.9]`},
	{`CIDR(ip, ::ffff:10.0.0.0/104, 1.2.3.4)`, `CIDR(@network.client.ip, 10.0.0.0/8, 1.2.3.4/32)`},
	{`date:2026-11-24`, `@timestamp:[2026-11-24T00:00:00Z TO 2026-11-25T00:00:00Z}`},
	{`date:2026-11-24T10:00:00+01:00`, `@timestamp:[2026-11-24T09:00:00Z TO 2026-11-24T09:00:01Z}`},
	{`date:>2026-11-24 date:<=2026-11-24T10:00:00.5Z`, `@timestamp:>=2026-11-25T00:00:00Z AND @timestamp:<2026-11-24T10:00:00.500000001Z`},
	{`date:>now-15m date:[now-7d TO now]`, `@timestamp:>=now-15m AND @timestamp:[now-168h TO now}`},
	{`@http.request.body_truncated:true`, `@http.request.body_truncated:true`},
	{`http.status_code:500`, `http.status_code:500`},
}

func TestParse(t *testing.T) {
	for _, tt := range parsed {
		q, err := Parse(tt.query)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.query, err)
			continue
		}
		if got := q.String(); got != tt.canonical {
			t.Errorf("Parse(%q):\n got %s\nwant %s", tt.query, got, tt.canonical)
		}
		requireRoundTrip(t, q)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		query          string
		offset, length int
		message        string // a part of it
	}{
		{`@a:`, 3, 0, "no value stands after @a:"},
		{`@a: b`, 3, 1, "no value stands after @a:"},
		{`(a`, 0, 1, "parenthesis is not closed"},
		{`a)`, 1, 1, ") cannot stand here"},
		{`[1 TO`, 0, 1, "needs a field"},
		{`a~2`, 1, 1, "fuzzy and boost are not supported"},
		{`a^3`, 1, 1, "fuzzy and boost are not supported"},
		{`“x”`, 0, 3, "curly quotes do not quote"},
		{`@a:“x”`, 3, 3, "curly quotes do not quote"},
		{`#calc:1`, 0, 1, "calculated fields are not supported"},
		{`@http.status_code:abc`, 18, 3, "no number: abc"},
		{strings.Repeat("a", 4097), 4096, 1, "at most 4096 bytes"},
		{`duration:500`, 9, 3, "needs a unit"},
		{`upstream:[1 TO 2ms]`, 10, 1, "needs a unit"},

		// Structure.
		{`a AND`, 5, 0, "ends too early"},
		{`a OR OR b`, 5, 2, "OR cannot stand here"},
		{`AND a`, 0, 3, "AND cannot stand here"},
		{`a && && b`, 5, 2, "&& cannot stand here"},
		{`a TO b`, 2, 2, "TO cannot stand here"},
		{`-`, 1, 0, "ends too early"},
		{`()`, 1, 1, ") cannot stand here"},
		{`(a]`, 2, 1, "] cannot stand here"},
		{`a ]`, 2, 1, "] cannot stand here"},
		{`:a`, 0, 1, "no field name"},
		{`a*b:c`, 3, 1, "no field name"},
		{`"a`, 0, 2, "quote is not closed"},
		{`"a\`, 0, 3, "quote is not closed"},
		{`a\`, 1, 1, "backslash ends the query"},
		{`""`, 0, 2, "empty phrase"},
		{`foo(bar)`, 3, 1, "cannot hold ("},
		{`a>b`, 1, 1, "cannot hold >"},
		{`>5`, 0, 1, "needs a field"},

		// Values.
		{`@a:OR`, 3, 2, "OR cannot stand here"},
		{`env:(a OR )`, 10, 1, ") cannot stand here"},
		{`@a:-b`, 3, 1, "cannot be negated here"},
		{`@a:!b`, 3, 1, "cannot be negated here"},
		{`@duration:> 5`, 11, 1, "cannot stand here"},
		{`@a:[1 TO`, 8, 0, "ends too early"},
		{`@a:[1 2]`, 6, 1, "2 cannot stand here"},
		{`@a:[1 TO 2`, 10, 0, "ends too early"},
		{`@a:[a* TO b]`, 4, 2, "no wildcards"},
		{`@http.status_code:5*`, 18, 2, "wildcards work on text"},
		{`@http.status_code:9xx`, 18, 3, "no number"},
		{`@http.status_code:1.5`, 18, 3, "not a whole number"},
		{`@http.status_code:99999999999999999999`, 18, 20, "not a whole number"},
		{`@duration:5xx`, 10, 3, "no number"},
		{`path:>a`, 5, 2, "no order"},
		{`message:>a`, 8, 2, "no order"},
		{`*:[a TO b]`, 2, 8, "no order"},
		{`status:eror`, 7, 4, `never "eror"`},
		{`ip:10.0.0`, 3, 6, "no IP address"},
		{`ip:fe80::1%eth0`, 3, 12, "no IP address"},
		{`date:soon`, 5, 4, "no time"},
		{`date:now`, 5, 3, "nothing happens exactly"},
		{`date:>now+5m`, 6, 6, "no time"},
		{`date:1500-01-01`, 5, 10, "no time"},
		{`@http.request.body_truncated:yes`, 29, 3, "no boolean"},
		{`@http.request.body_truncated:>true`, 29, 5, "no order"},
		{`CIDR(method, 10.0.0.0/8)`, 5, 6, "no address field"},
		{`CIDR(ip, 10.0.0.0/33)`, 9, 11, "no address block"},
		{`CIDR(ip)`, 7, 1, ") cannot stand here"},
		{`CIDR(ip, 10.0.0.0/8`, 19, 0, "ends too early"},
		{`CIDR`, 4, 0, "ends too early"},
		{`_exists_:`, 9, 0, "no field name"},

		// Unsupported fields.
		{`@http.useragent_details.os.family:x`, 0, 33, "not taken apart"},
		{`a @usr.email:x`, 2, 10, "no identity"},
		{`CIDR(@principal.id, 10.0.0.0/8)`, 5, 13, "audit events"},
		{`_exists_:tags`, 9, 4, "no labels"},

		// Limits.
		{strings.Repeat("(", 33) + "a" + strings.Repeat(")", 33), 32, 1, "32 levels"},
		{strings.Repeat("(a OR b ", 32) + strings.Repeat(")", 32), 0, 288, "32 levels"},
		{strings.Repeat("a ", 257), 512, 1, "256 tests"},
		{strings.Repeat("a* ", 17), 48, 2, "16 wildcards"},
		{strings.Repeat("*:a ", 17), 66, 1, "16 full-text terms"},
		{`"` + strings.Repeat("a", 1023) + `"`, 0, 1025, "1024 bytes"},
		{"a\xff", 1, 1, "not UTF-8"},
		{"a\x00", 1, 1, "control characters"},
	}
	for _, tt := range tests {
		_, err := Parse(tt.query)
		var got *SyntaxError
		if !errors.As(err, &got) {
			t.Errorf("Parse(%.60q): error %v, want a SyntaxError", tt.query, err)
			continue
		}
		if got.Offset != tt.offset || got.Length != tt.length || !strings.Contains(got.Message, tt.message) {
			t.Errorf("Parse(%.60q): at %d+%d %q, want at %d+%d %q", tt.query, got.Offset, got.Length, got.Message, tt.offset, tt.length, tt.message)
		}
	}
}

func TestSyntaxErrorCrossesServices(t *testing.T) {
	_, err := Parse(`status:5xx @usr.email:x`)
	e := errs.As(err)
	if e == nil || e.Code != codes.InvalidArgument || e.Reason != ReasonSyntax || len(e.Violations) != 1 {
		t.Fatalf("got %+v", e)
	}
	if v := e.Violations[0]; v.Field != "filter" || v.Column != 12 || v.Code != "SLUICE_5406" || v.Hint == "" {
		t.Errorf("got %+v", v)
	}
	_, err = Parse(`@a:`)
	if v := errs.As(err).Violations[0]; v.Column != 4 || v.Code != "SLUICE_5404" || v.Hint == "" {
		t.Errorf("got %+v", v)
	}
}

func TestUnknownFieldsAndWarnings(t *testing.T) {
	q, err := Parse(`@foo.bar:1 env:prod @foo.bar:>2 method:GET and x`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(q.UnknownFields(), " "); got != "@foo.bar env" {
		t.Errorf("unknown fields: %s", got)
	}
	if w := q.Warnings(); len(w) != 1 || w[0].Offset != 43 || w[0].Length != 3 || !strings.Contains(w[0].Message, "AND") {
		t.Errorf("warnings: %+v", w)
	}
	if q, _ := Parse("or"); len(q.Warnings()) != 0 {
		t.Errorf("a lone word needs no warning: %+v", q.Warnings())
	}
}
