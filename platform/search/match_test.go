package search

import (
	"net/netip"
	"testing"
	"time"
)

var (
	bare = row{number: map[string]int64{"ts": noon.UnixNano(), "duration_ns": 5e6}}
	full = row{
		text: map[string]string{
			"id": "req_2", "method": "POST", "host": "api.example.com", "path": "/v1/Items/a b", "query": "q=a+b&empty=&q=%C3%A9&flag",
			"http_version": "HTTP/1.1", "user_agent": "curl/8.5", "req_body": "{\"name\": \"Zoë\"}", "endpoint_name": "web",
			"tls_version": "TLS 1.3", "tls_sni": "API.example.com", "error_code": "SLUICE_3004", "basic_auth_decision": "allow", "user_name": "ada",
			"message": "POST api.example.com/v1/Items/a b?q=a+b 502 upstream refused_it Grüße",
		},
		number: map[string]int64{
			"status": 502, "duration_ns": 250e6, "upstream_duration_ns": 200e6, "ts": noon.UnixNano(), "req_body_size": 2000,
			"client_port": 40000, "server_port": 443, "req_body_truncated": 1, "res_body_truncated": 0, "policy_revision": 0,
		},
		addr: map[string]netip.Addr{"client_ip": netip.MustParseAddr("::ffff:10.1.2.3"), "server_ip": netip.MustParseAddr("2001:db8::1")},
		headers: map[string]map[string][]string{
			"req_headers": {"accept": {"text/html", "application/json"}, "x-empty": {""}},
			"res_headers": {"server": {"nginx"}},
		},
	}
)

func TestMatch(t *testing.T) {
	tests := []struct {
		query   string
		inFull  bool
		inBare  bool
		comment string
	}{
		{``, true, true, "everything"},
		{`-*`, false, false, ""},

		// Text.
		{`user:ada`, true, false, "text"},
		{`user:Ada`, false, false, "case counts"},
		{`-user:ada`, false, true, "missing passes an exclusion"},
		{`user:*`, true, false, ""},
		{`-user:*`, false, true, ""},
		{`user:a*`, true, false, ""},
		{`-user:a*`, false, true, ""},
		{`user:""`, false, false, "an empty optional column is missing"},
		{`-user:""`, true, true, ""},
		{`path:*`, true, true, "an empty path counts as present"},
		{`path:""`, false, true, ""},
		{`path:/v1/*/a?b`, true, false, ""},
		{`path:/v1`, false, false, "not a substring"},
		{`path:/v1/items*`, false, false, "case counts"},
		{`method:post`, true, false, "any case"},
		{`host:API.example.com`, true, false, "any case"},
		{`@tls.version:>"TLS 1.2"`, true, false, ""},
		{`@tls.version:<"TLS 1.2"`, false, false, "missing is not small"},
		{`-@tls.version:<"TLS 1.2"`, true, true, ""},
		{`@tls.version:["TLS 1.2" TO "TLS 1.3"]`, true, false, ""},
		{`@tls.version:["TLS 1.2" TO "TLS 1.3"}`, false, false, ""},

		// Numbers.
		{`status:502`, true, false, ""},
		{`-status:502`, false, true, ""},
		{`status:5xx`, true, false, ""},
		{`-status:5xx`, false, true, ""},
		{`status:*`, true, false, ""},
		{`-status:*`, false, true, "no answer"},
		{`status:>502`, false, false, ""},
		{`-status:>502`, true, true, ""},
		{`status:>=502`, true, false, ""},
		{`status:{501 TO 503}`, true, false, ""},
		{`status:{502 TO 503}`, false, false, ""},
		{`status:(500 OR 502)`, true, false, ""},
		{`status:(-500 -502)`, false, true, ""},
		{`NOT (status:502 AND user:ada)`, false, true, ""},
		{`duration:250ms`, true, false, ""},
		{`@duration:>100000000`, true, false, ""},
		{`upstream:<1s`, true, false, ""},
		{`-upstream:<1s`, false, true, ""},
		{`@http.request.body_length:2KB`, true, false, ""},
		{`@network.client.port:40000`, true, false, ""},
		{`@network.client.port:0`, false, false, "port 0 is none"},
		{`-@network.client.port:<50000`, false, true, ""},
		{`@traffic_policy.revision:*`, false, false, "revision 0 is none"},
		{`@http.request.body_truncated:true`, true, false, ""},
		{`-@http.response.body_truncated:true`, true, true, ""},

		// Addresses.
		{`ip:10.1.2.3`, true, false, ""},
		{`-ip:10.1.2.3`, false, true, ""},
		{`ip:::ffff:10.1.2.3`, true, false, ""},
		{`ip:10.0.0.0/8`, true, false, ""},
		{`CIDR(ip, 192.0.2.0/24, 10.1.2.3)`, true, false, ""},
		{`NOT CIDR(ip, 10.0.0.0/8)`, false, true, ""},
		{`ip:::/0`, true, false, "IPv4 addresses are in IPv6 form"},
		{`ip:10.*.3`, true, false, ""},
		{`-ip:10.*`, false, true, ""},
		{`ip:>10.1.2.2 ip:<10.1.10.0`, true, false, "order of numbers, not of text"},
		{`ip:*`, true, false, ""},
		{`@network.destination.ip:2001:db8::/32`, true, false, ""},

		// Time.
		{`date:2026-11-24`, true, true, ""},
		{`date:>2026-11-24`, false, false, "after the day"},
		{`date:>=2026-11-24`, true, true, ""},
		{`date:2026-11-24T12:00:00Z`, true, true, ""},
		{`date:>2026-11-24T12:00:00Z`, false, false, ""},
		{`date:>now-15m`, true, true, ""},
		{`date:<now-15m`, false, false, ""},
		{`-date:2026-11-25`, true, true, ""},

		// Lists.
		{`header.accept:application/json`, true, false, "any value"},
		{`-header.accept:application/json`, false, true, "no value"},
		{`header.Accept:text/*`, true, false, ""},
		{`header.accept:*`, true, false, ""},
		{`header.x-empty:*`, true, false, "an empty value counts as present"},
		{`header.x-empty:""`, true, false, ""},
		{`-header.x-none:*`, true, true, ""},
		{`@http.referer:*`, false, false, ""},
		{`query.q:"a b"`, true, false, ""},
		{`query.q:é`, true, false, ""},
		{`-query.q:"a b"`, false, true, ""},
		{`query.empty:""`, true, false, ""},
		{`query.flag:*`, true, false, ""},
		{`query.a:*`, false, false, ""},

		// Constants, derived and unknown fields.
		{`source:ngrok @evt.name:http_request_*`, true, true, ""},
		{`-source:sluice`, false, false, ""},
		{`status:error`, true, true, "no answer is an error"},
		{`@evt.outcome:success`, false, false, ""},
		{`@conn.server_name:api.EXAMPLE.com`, true, false, ""},
		{`@foo:*`, false, false, ""},
		{`-@foo:*`, true, true, ""},
		{`@foo:>1 OR env:prod`, false, false, ""},

		// Words.
		{`refused`, true, false, "an underscore separates words"},
		{`UPSTREAM`, true, false, ""},
		{`upstr`, false, false, "not a whole word"},
		{`upstr*`, true, false, ""},
		{`-upstream`, false, true, ""},
		{`grüße`, true, false, ""},
		{`GRÜ?E`, true, false, ""},
		{`"upstream refused"`, true, false, ""},
		{`/v1/i*b`, true, false, ""},
		{`*:zoë`, true, false, "in the body"},
		{`*:NGINX`, true, false, "in a header"},
		{`*:ngin?`, true, false, ""},
		{`-*:nginx`, false, true, ""},
		{`nginx`, false, false, "free text is the message"},
	}
	for _, tt := range tests {
		q := mustParse(t, tt.query)
		if got := Match(q, full, noon); got != tt.inFull {
			t.Errorf("%s: full record %v, want %v; %s", tt.query, got, tt.inFull, tt.comment)
		}
		if got := Match(q, bare, noon); got != tt.inBare {
			t.Errorf("%s: bare record %v, want %v; %s", tt.query, got, tt.inBare, tt.comment)
		}
	}
}

func TestMatchRelativeTimeMoves(t *testing.T) {
	q := mustParse(t, `date:>now-15m`)
	if Match(q, full, noon.Add(time.Hour)) {
		t.Error("the record is an hour old")
	}
}
