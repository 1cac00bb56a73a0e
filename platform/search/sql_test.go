package search

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestSQL(t *testing.T) {
	tests := []struct {
		query, where string
		params       string // values, separated by spaces
	}{
		{`-*`, `0`, ``},
		{`@http.status_code:500`, `status = {p1:Int64}`, `500`},
		{`-@http.status_code:200`, `(NOT (status = {p1:Int64}) OR status IS NULL)`, `200`},
		{`-@http.status_code:*`, `NOT (status IS NOT NULL)`, ``},
		{`status:5xx`, `(status >= {p1:Int64} AND status <= {p2:Int64})`, `500 599`},
		{`-status:[400 TO 500}`, `(NOT ((status >= {p1:Int64} AND status < {p2:Int64})) OR status IS NULL)`, `400 500`},
		{`NOT (method:GET OR -path:/a*)`, `(NOT (method = {p1:String}) AND startsWith(path, {p2:String}))`, `GET /a`},
		{`path:/a_b/*.js?`, `path LIKE {p1:String}`, `/a\_b/%.js_`},
		{`path:/100%\\*`, `startsWith(path, {p1:String})`, `/100%\`},
		{`body:"it's \\ 'quoted'; DROP TABLE"`, `req_body = {p1:String}`, `it's \ 'quoted'; DROP TABLE`},
		{`-body:x`, `NOT (req_body = {p1:String})`, `x`},
		{`body:*`, `req_body != ''`, ``},
		{`body:""`, `0`, ``},
		{`@tls.version:<"TLS 1.3"`, `(tls_version != '' AND tls_version < {p1:String})`, `TLS 1.3`},
		{`-@tls.version:<"TLS 1.3"`, `NOT ((tls_version != '' AND tls_version < {p1:String}))`, `TLS 1.3`},
		{`header.X-Token:abc`, `has(req_headers[{p1:String}], {p2:String})`, `x-token abc`},
		{`-header.x-token:a*`, `NOT (arrayExists(v -> startsWith(v, {p2:String}), req_headers[{p1:String}]))`, `x-token a`},
		{`header.x-token:*`, `notEmpty(req_headers[{p1:String}])`, `x-token`},
		{`query.page:2`, `has(arrayMap(x -> decodeURLFormComponent(if(position(x, '=') = 0, '', substring(x, position(x, '=') + 1))), arrayFilter(x -> decodeURLFormComponent(splitByChar('=', x)[1]) = {p1:String}, splitByChar('&', query))), {p2:String})`, `page 2`},
		{`@http.referer:*`, `notEmpty(req_headers[{p1:String}])`, `referer`},
		{`ip:10.1.2.3`, `client_ip = {p1:IPv6}`, `::ffff:10.1.2.3`},
		{`ip:fd00::1`, `client_ip = {p1:IPv6}`, `fd00::1`},
		{`ip:>10.1.2.3`, `(client_ip != toIPv6('::') AND client_ip > {p1:IPv6})`, `::ffff:10.1.2.3`},
		{`ip:10.*`, `(client_ip != toIPv6('::') AND startsWith(replaceRegexpOne(toString(client_ip), '^::ffff:([0-9]+[.])', '\\1'), {p1:String}))`, `10.`},
		{`ip:::`, `0`, ``},
		{`CIDR(ip, 10.0.0.0/8, fd00::/8)`, `(client_ip != toIPv6('::') AND (isIPAddressInRange(toString(client_ip), {p1:String}) OR isIPAddressInRange(toString(client_ip), {p2:String})))`, `::ffff:10.0.0.0/104 fd00::/8`},
		{`-ip:10.0.0.0/8`, `NOT ((client_ip != toIPv6('::') AND isIPAddressInRange(toString(client_ip), {p1:String})))`, `::ffff:10.0.0.0/104`},
		{`@network.client.port:0`, `0`, ``},
		{`@network.client.port:[1 TO 1023]`, `(client_port != 0 AND (client_port >= {p1:Int64} AND client_port <= {p2:Int64}))`, `1 1023`},
		{`duration:>500ms`, `duration_ns > {p1:Int64}`, `500000000`},
		{`-upstream:>1s`, `(NOT (upstream_duration_ns > {p1:Int64}) OR upstream_duration_ns IS NULL)`, `1000000000`},
		{`@http.request.body_length:0`, `req_body_size = {p1:Int64}`, `0`},
		{`@http.request.body_truncated:true`, `req_body_truncated = {p1:Int64}`, `1`},
		{`date:2026-11-24`, `(ts >= fromUnixTimestamp64Nano({p1:Int64}, 'UTC') AND ts < fromUnixTimestamp64Nano({p2:Int64}, 'UTC'))`, `1795478400000000000 1795564800000000000`},
		{`date:>now-15m`, `ts >= fromUnixTimestamp64Nano({p1:Int64}, 'UTC')`, `1795520700000000000`},
		{`source:ngrok -source:ngrok -source:other`, `(1 AND 0 AND 1)`, ``},
		{`status:error`, `multiIf(ifNull(status, 599) >= 500, 'error', status >= 400, 'warn', 'info') = {p1:String}`, `error`},
		{`@evt.outcome:failure`, `if(ifNull(status, 599) >= 500 OR basic_auth_decision NOT IN ('', 'allow'), 'failure', 'success') = {p1:String}`, `failure`},
		{`@conn.server_name:A.example`, `lower(if(tls_sni = '', host, tls_sni)) = {p1:String}`, `a.example`},
		{`env:prod -env:prod`, `(0 AND 1)`, ``},
		{`@foo.bar:*`, `notEmpty(arrayMap(l -> if(JSONType(l, {p1:String}, {p2:String}) = 'String', JSONExtractString(l, {p1:String}, {p2:String}), JSONExtractRaw(l, {p1:String}, {p2:String})), arrayFilter(l -> JSONType(l, {p1:String}, {p2:String}) IN ('String', 'Int64', 'UInt64', 'Double', 'Bool'), policy_logs)))`, `foo bar`},
		{`route:/users/\{id\}`, `route = {p1:String}`, `/users/{id}`},
		{`country:ch`, `client_country = {p1:String}`, `CH`},
		{`@circuit_breaker.decision:open`, `has(arrayFilter(x -> x != '', [toString(policy_decisions[{p1:String}])]), {p2:String})`, `circuit_breaker open`},
		{`redacted_by:card`, `has(CAST(redacted_by, 'Array(String)'), {p1:String})`, `card`},
		{`@http.status_class:5xx`, `ifNull(concat(toString(intDiv(status, 100)), 'xx'), 'none') = {p1:String}`, `5xx`},
		{`-ttfb:>1s`, `(NOT (first_byte_ns > {p1:Int64}) OR first_byte_ns IS NULL)`, `1000000000`},
		{`cel: req.url.path.matches("^/v[0-9]+/")`, `match(path, {p1:String})`, `\A/v[0-9]+/`},
		{`hello`, `hasTokenCaseInsensitive(message, {p1:String})`, `hello`},
		{`hello-world`, `positionCaseInsensitiveUTF8(message, {p1:String}) > 0`, `hello-world`},
		{`"connection refused"`, `positionCaseInsensitiveUTF8(message, {p1:String}) > 0`, `connection refused`},
		{`hel*o`, `arrayExists(v -> v ILIKE {p1:String}, tokens(message))`, `hel%o`},
		{`/api/*`, `message ILIKE {p1:String}`, `%/api/%`},
	}
	for _, tt := range tests {
		where, params := SQL(mustParse(t, tt.query), noon)
		if where != tt.where {
			t.Errorf("SQL(%s):\n got %s\nwant %s", tt.query, where, tt.where)
		}
		var values []string
		for i, p := range params {
			if p.Name != fmt.Sprintf("p%d", i+1) || !strings.Contains(where, "{"+p.Name+":"+p.Type+"}") {
				t.Errorf("SQL(%s): %+v has no placeholder", tt.query, p)
			}
			values = append(values, p.Value)
		}
		if got := strings.Join(values, " "); got != tt.params {
			t.Errorf("SQL(%s): parameters %q, want %q", tt.query, got, tt.params)
		}
	}
}

func mustParse(t testing.TB, query string) *Query {
	t.Helper()
	q, err := Parse(query)
	if err != nil {
		t.Fatalf("Parse(%q): %v", query, err)
	}
	return q
}

func TestSQLSearchesEverywhere(t *testing.T) {
	for query, want := range map[string]string{
		`*:Hello`:     "positionCaseInsensitiveUTF8(%s, {p1:String}) > 0",
		`*:a?c`:       "%s ILIKE {p1:String}",
		`-*:"a b"`:    "positionCaseInsensitiveUTF8(%s, {p1:String}) > 0",
		`NOT(*:a*b_)`: "%s ILIKE {p1:String}",
	} {
		where, params := SQL(mustParse(t, query), noon)
		if len(params) != 1 {
			t.Errorf("%s: parameters %v", query, params)
		}
		for _, column := range []string{"message", "req_body", "res_body", "user_agent", "error_message", "user_name", "endpoint_name"} {
			if part := fmt.Sprintf(want, column); !strings.Contains(where, part) {
				t.Errorf("%s: no %s in %s", query, part, where)
			}
		}
		for _, column := range []string{"req_headers", "res_headers"} {
			if part := "arrayExists(v -> " + fmt.Sprintf(want, "v") + ", arrayFlatten(mapValues(" + column + ")))"; !strings.Contains(where, part) {
				t.Errorf("%s: no %s in %s", query, part, where)
			}
		}
	}
}

// TestSQLHoldsNoTextOfTheUser compiles hostile text in every place that takes some.
func TestSQLHoldsNoTextOfTheUser(t *testing.T) {
	const evil = `EVIL'\"\)`
	for _, before := range []string{``, `*:`, `path:`, `method:`, `header.a:`, `query.a:`, `source:`, `@conn.server_name:`, `@a:`, `@tls.version:>`} {
		where, _ := SQL(mustParse(t, before+`"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(evil)+`"`), noon)
		if strings.Contains(strings.ToUpper(where), "EVIL") {
			t.Errorf("%s: %s", before, where)
		}
	}
	for _, query := range []string{`header.EVIL\'\):*`, `query.EVIL\'\):x`, `EVIL*\'`, `*:EVIL?\'`, `path:EVIL*\'*`, `@EVIL:x`, `ip:EVIL*`} {
		if where, _ := SQL(mustParse(t, query), noon); strings.Contains(strings.ToUpper(where), "EVIL") {
			t.Errorf("%s: %s", query, where)
		}
	}
}

// TestSQLFitsTheServer compiles the widest queries: ClickHouse reads at most 256
// KiB of a statement (max_query_size).
func TestSQLFitsTheServer(t *testing.T) {
	for _, query := range []string{
		"-(" + strings.Repeat("*:a* ", 16) + ")",
		strings.Repeat(`query.a:b `, 256),
		strings.Repeat(`-status:warn `, 256),
		"CIDR(ip" + strings.Repeat(",::/0", 800) + ")",
	} {
		if where, _ := SQL(mustParse(t, query), noon); len(where) > 128<<10 {
			t.Errorf("%.30s... becomes %d bytes", query, len(where))
		}
	}
}
