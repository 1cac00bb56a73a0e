package search

import (
	"errors"
	"strings"
	"testing"
)

// spoken is a capture that most of the conformance list is about.
var spoken = row{
	text: map[string]string{
		"method": "POST", "path": "/api-v1/x", "url": "https://x/y?a=b", "host": "a.example", "endpoint_name": "web-mongo",
		"message": "POST a.example/api-v1/x 500 hello dolly a",
	},
	number: map[string]int64{"status": 500, "duration_ns": 600e6},
	addr:   full.addr,
	lists:  map[string][]string{"policy_logs": {`{"a":"hello:world","x":-5}`}},
}

// conformance is what queries mean: printed, as SQL with the values of parameters in
// place, and for two captures, of which bare knows next to nothing.
var conformance = []struct {
	query, printed, where string
	inSpoken, inBare      bool
}{
	{``, `*`,
		`1`, true, true},
	{`*`, `*`,
		`1`, true, true},
	{`*:*`, `*`,
		`1`, true, true},
	{`@http.status_code:500`, `@http.status_code:500`,
		`status = <500>`, true, false},
	{`@http.status_code:5xx`, `@http.status_code:[500 TO 599]`,
		`(status >= <500> AND status <= <599>)`, true, false},
	{`-@http.status_code:200`, `NOT @http.status_code:200`,
		`(NOT (status = <200>) OR status IS NULL)`, true, true},
	{`-@http.status_code:*`, `NOT @http.status_code:*`,
		`NOT (status IS NOT NULL)`, false, true},
	{`@http.status_code:[400 TO 499]`, `@http.status_code:[400 TO 499]`,
		`(status >= <400> AND status <= <499>)`, false, false},
	{`@http.status_code:{399 TO 500}`, `@http.status_code:{399 TO 500}`,
		`(status > <399> AND status < <500>)`, false, false},
	{`@http.status_code:[500 TO *]`, `@http.status_code:>=500`,
		`status >= <500>`, true, false},
	{`@http.status_code:(500 OR 502 OR 503)`, `@http.status_code:500 OR @http.status_code:502 OR @http.status_code:503`,
		`(status = <500> OR status = <502> OR status = <503>)`, true, false},
	{`@http.status_code:(-200 -204)`, `NOT @http.status_code:200 AND NOT @http.status_code:204`,
		`((NOT (status = <200>) OR status IS NULL) AND (NOT (status = <204>) OR status IS NULL))`, true, true},
	{`@http.url_details.path:"/api/v1/test"`, `@http.url_details.path:"/api/v1/test"`,
		`path = </api/v1/test>`, false, false},
	{`@http.url_details.path:/api\-v1/*`, `@http.url_details.path:/api\-v1/*`,
		`startsWith(path, </api-v1/>)`, true, false},
	{`@http.url_details.path:/api-v1/*`, `@http.url_details.path:/api\-v1/*`,
		`startsWith(path, </api-v1/>)`, true, false},
	{`@http.url:https://x/y?a=b`, `@http.url:https\://x/y?a\=b`,
		`url LIKE <https://x/y_a=b>`, true, false},
	{`@a:hello\:world`, `@a:"hello:world"`,
		`has(LOG(a), <hello:world>)`, true, false},
	{`@a:"hello:world"`, `@a:"hello:world"`,
		`has(LOG(a), <hello:world>)`, true, false},
	{`@a:hello?world`, `@a:hello?world`,
		`arrayExists(v -> v LIKE <hello_world>, LOG(a))`, true, false},
	{`@a:"*x*"`, `@a:"*x*"`,
		`has(LOG(a), <*x*>)`, false, false},
	{`@duration:>500ms`, `@duration:>500ms`,
		`duration_ns > <500000000>`, true, false},
	{`@duration:>500000000`, `@duration:>500ms`,
		`duration_ns > <500000000>`, true, false},
	{`@x:-5`, `@x:"-5"`,
		`has(LOG(x), <-5>)`, true, false},
	{`@x:[-5 TO 5]`, `@x:["-5" TO 5]`,
		`arrayExists(v -> NUMBER AND toFloat64OrZero(v) >= <-5> AND NUMBER AND toFloat64OrZero(v) <= <5>, LOG(x))`, true, false},
	{`env:(prod OR test)`, `env:prod OR env:test`,
		`(0 OR 0)`, false, false},
	{`(env:prod AND -version:beta)`, `env:prod AND NOT version:beta`,
		`(0 AND 1)`, false, false},
	{`service:web*`, `service:web*`,
		`startsWith(endpoint_name, <web>)`, true, false},
	{`service:*mongo`, `service:*mongo`,
		`endpoint_name LIKE <%mongo>`, true, false},
	{`hello world`, `hello AND world`,
		`(hasTokenCaseInsensitive(message, <hello>) AND hasTokenCaseInsensitive(message, <world>))`, false, false},
	{`"hello dolly"`, `"hello dolly"`,
		`positionCaseInsensitiveUTF8(message, <hello dolly>) > 0`, true, false},
	{`*:hello`, `*:hello`,
		`EVERYWHERE <hello>`, true, false},
	{`*:"hello world"`, `*:"hello world"`,
		`EVERYWHERE <hello world>`, false, false},
	{`a OR b c`, `a OR (b AND c)`,
		`(hasTokenCaseInsensitive(message, <a>) OR (hasTokenCaseInsensitive(message, <b>) AND hasTokenCaseInsensitive(message, <c>)))`, true, false},
	{`NOT (a OR b)`, `NOT (a OR b)`,
		`(NOT (hasTokenCaseInsensitive(message, <a>)) AND NOT (hasTokenCaseInsensitive(message, <b>)))`, false, true},
	{`CIDR(@network.client.ip, 10.0.0.0/8, fd00::/8)`, `CIDR(@network.client.ip, 10.0.0.0/8, fd00::/8)`,
		`(client_ip != toIPv6('::') AND (isIPAddressInRange(toString(client_ip), <::ffff:10.0.0.0/104>) OR isIPAddressInRange(toString(client_ip), <fd00::/8>)))`, true, false},
	{`NOT(CIDR(@network.client.ip,13.0.0.0/8)) method:POST`, `NOT CIDR(@network.client.ip, 13.0.0.0/8) AND @http.method:POST`,
		`(NOT ((client_ip != toIPv6('::') AND isIPAddressInRange(toString(client_ip), <::ffff:13.0.0.0/104>))) AND method = <POST>)`, true, false},
	{`source:ngrok @evt.name:http_request_complete.v0 @object.conn.server_name:a.example`, `source:ngrok AND @evt.name:http_request_complete.v0 AND @conn.server_name:a.example`,
		`(1 AND 1 AND lower(if(tls_sni = '', host, tls_sni)) = <a.example>)`, true, false},
}

// Long parts of SQL, as the list abbreviates them: the values of an attribute, the
// test for a number, and the search of all text.
func abbreviate(where string) string {
	for _, name := range []string{"a", "x"} {
		where = strings.ReplaceAll(where, "arrayMap(l -> if(JSONType(l, <"+name+">) = 'String', JSONExtractString(l, <"+name+">), JSONExtractRaw(l, <"+name+">)), "+
			"arrayFilter(l -> JSONType(l, <"+name+">) IN ('String', 'Int64', 'UInt64', 'Double', 'Bool'), policy_logs))", "LOG("+name+")")
	}
	where = strings.ReplaceAll(where, "match(v, '"+numberPattern+"')", "NUMBER")
	for _, text := range []string{"hello", "hello world"} {
		if strings.HasPrefix(where, "("+contains(messageColumn, "<"+text+">")+" OR ") && strings.Contains(where, contains("req_body", "<"+text+">")) {
			return "EVERYWHERE <" + text + ">"
		}
	}
	return where
}

func TestConformance(t *testing.T) {
	for _, tt := range conformance {
		q := mustParse(t, tt.query)
		if q.String() != tt.printed {
			t.Errorf("%s is %s, want %s", tt.query, q, tt.printed)
		}
		where, params := SQL(q, noon)
		for _, p := range params {
			where = strings.ReplaceAll(where, "{"+p.Name+":"+p.Type+"}", "<"+p.Value+">")
		}
		if got := abbreviate(where); got != tt.where {
			t.Errorf("%s:\n got %s\nwant %s", tt.query, got, tt.where)
		}
		if inSpoken, inBare := Match(q, spoken, noon), Match(q, bare, noon); inSpoken != tt.inSpoken || inBare != tt.inBare {
			t.Errorf("%s matches %v and %v, want %v and %v", tt.query, inSpoken, inBare, tt.inSpoken, tt.inBare)
		}
		requireRoundTrip(t, q)
		if again, ok := throughCEL(t, q); !ok || Match(again, spoken, noon) != tt.inSpoken || Match(again, bare, noon) != tt.inBare {
			t.Errorf("%s finds something else as CEL, %s", tt.query, q.CEL())
		}
	}
	for _, query := range []string{
		`duration:500`, `@a:`, `@a: b`, `(a`, `a)`, `[1 TO`, `a~2`, `a^3`, `“x”`, `#calc:1`, `@http.status_code:abc`, strings.Repeat("a", 4097),
	} {
		var e *SyntaxError
		if _, err := Parse(query); !errors.As(err, &e) || e.Message == "" || e.Expected == "" && e.Hint == "" && len(query) < 4097 {
			t.Errorf("%.40s: %v", query, err)
		}
	}
}
