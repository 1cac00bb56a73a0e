package expr_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/expr"
)

var environment = sync.OnceValue(func() *expr.Env { return newEnv(expr.OnResponse) })

func newEnv(scope expr.Scope) *expr.Env {
	results := expr.Result(0, 0, types.BoolType, "", "actions.sluice.rate_limit.limited", "actions.ngrok.rate_limit.limited")
	env, err := expr.NewEnv(scope, results)
	if err != nil {
		panic(err)
	}
	return env
}

type vault map[string]string

func (s vault) Secret(_ context.Context, vault, name string) (string, error) {
	if v, ok := s[vault+"/"+name]; ok {
		return v, nil
	}
	return "", errors.New("no such secret")
}

// fixture is the exchange that the tables below speak of.
func fixture(env *expr.Env) *expr.Vars {
	v := &expr.Vars{
		Conn: &message.Conn{
			ClientAddr: netip.MustParseAddrPort("[::ffff:203.0.113.7]:5123"), ServerAddr: netip.MustParseAddrPort("192.0.2.1:443"),
			Start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), TLS: &message.TLS{Version: "1.3", ServerName: "api.example.com"},
		},
		Endpoint: &message.Endpoint{ID: "ep_1", URL: "https://api.example.com", Scheme: "https", Host: "api.example.com", Port: 443},
		Request: &message.Request{
			Method: "GET", Target: "/v1/%61dmin/../users?q=a%20b&tag=x&tag=y", Scheme: "https", Host: "API.example.com:443", Proto: "HTTP/1.1",
			Header: message.Header{{Name: "Host", Value: "API.example.com:443"}, {Name: "X-Api-Key", Value: "k1"}, {Name: "x-api-key", Value: "k2"},
				{Name: "X-Long", Value: strings.Repeat("x", 60_000)},
				{Name: "Content-Type", Value: "Application/JSON; charset=utf-8"}, {Name: "Cookie", Value: "sid=abc; theme=dark"},
				{Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}},
			ContentLength: -1, Received: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
		},
		Response: &message.Response{Status: 201, ContentLength: 12, Header: message.Header{{Name: "Set-Cookie", Value: "a=1; Path=/"}, {Name: "Set-Cookie", Value: "a=2; Path=/deep; Max-Age=60"}}},
		Now:      func() time.Time { return time.Date(2026, 8, 7, 12, 0, 0, 0, time.UTC) },
		Secrets:  vault{"v/token": "s3cret-token"},
	}
	v.Begin(context.Background(), env)
	return v
}

func eval(t *testing.T, source string) (ref.Val, error) {
	t.Helper()
	p, faults := environment().Compile(source)
	if faults != nil {
		t.Fatalf("%s: %v", source, faults)
	}
	return p.Eval(fixture(environment()))
}

// TestTrue holds expressions that must be true of the fixture.
func TestTrue(t *testing.T) {
	for source := range strings.SplitSeq(strings.TrimSpace(trueExpressions), "\n") {
		if source == "" || strings.HasPrefix(source, "#") {
			continue
		}
		if got, err := eval(t, source); err != nil || got != types.True {
			t.Errorf("%s = %v, %v", source, got, err)
		}
	}
}

const trueExpressions = `
# string-and-object values
req.url == 'https://api.example.com/v1/users?q=a%20b&tag=x&tag=y'
req.url.contains('/v1/') && req.url.path == '/v1/users'
req.url.raw_path == '/v1/%61dmin/../users'
req.url.host == 'api.example.com' && req.url.authority == 'api.example.com'
req.url.port == 443 && has(req.url.port)
req.url.uri == '/v1/users?q=a%20b&tag=x&tag=y' && req.url.query.startsWith('q=')
req.url.query_params['q'][0] == 'a b' && req.url.query_params['tag'].size() == 2
req.url in ['x', req.url]
conn.client_ip == '203.0.113.7' && conn.client_port == 5123
conn.server_ip == '192.0.2.1' && conn.tls.version == '1.3' && conn.tls.sni.endsWith('example.com')
conn.ts.start < timestamp(time.now)
endpoint.addr == 'api.example.com:443' && endpoint.protocol == 'https'
req.content_type == 'application/json' && req.content_type.parameters['charset'] == 'utf-8'
req.content_type.raw.startsWith('Application/')
req.user_agent.contains('Firefox') && req.user_agent.name == 'Firefox' && req.user_agent.is_desktop && !req.user_agent.is_bot
# headers
req.headers['x-api-key'] == ['k1', 'k2'] && req.headers['X-API-KEY'][1] == 'k2'
'X-Api-Key' in req.headers && !('nope' in req.headers)
req.headers['host'][0] == 'API.example.com:443'
req.headers['content-type'].contains('JSON') && !req.headers['content-type'].contains('xml')
req.headers.exists(k, k == 'x-api-key') && req.headers.all(k, k == k.lower()) && size(req.headers) == 6
has(req.headers['x-api-key']) && !has(req.headers['nope']) && has(req.url.query_params['q'])
hasReqHeader('X-API-Key') && getReqHeader('x-api-key').size() == 2 && getReqHeader('nope') == []
hasReqCookie('sid') && getReqCookie('sid').value == 'abc' && getReqCookie('none').value == ''
hasQueryParam('tag') && getQueryParam('tag') == ['x', 'y'] && !hasQueryParam('z')
req.cookies['theme'][0].value == 'dark'
# absent values
!has(req.content_length) && has(res.content_length) && !has(req.ts.body_received) && has(req.ts.header_received)
!has(actions.ngrok.rate_limit.limited)
actions.ngrok.rate_limit.limited == true || req.method == 'GET'
# response
res.status_code >= 200 && res.status_code < 300.5
res.cookies['a'][0].value == '2' && getResCookie('a').max_age == duration('60s')
# text functions
'a,b,c'.split(',', 2) == ['a', 'b'] && 'a  b'.split() == ['a', 'b'] && 'x y'.split(' ', 1)[0] == 'x' && 'a,b'.split(',') == ['a', 'b']
'ÄB'.lower() == 'äb' && 'äb'.upper() == 'ÄB' && ' a '.trim() == 'a' && 'abc'.reverse() == 'cba'
'abc'.charAt(3) == '' && 'abc'.indexOf('c') == 2 && 'abcabc'.lastIndexOf('b') == 4 && 'abc'.substring(1, 2) == 'b'
'aaa'.replace('a', 'b') == 'bbb' && 'aaa'.replace('a', 'b', 2) == 'bba' && ['a', 'b'].join('-') == 'a-b' && ['', 'a'].join(',') == ',a'
'%s is %d'.format(['a', 1]) == 'a is 1' && strings.quote('a"b') == '"a\\"b"'
[1, 2, 1].distinct() == [1, 2] && lists.range(3) == [0, 1, 2] && [3, 1].sort() == [1, 3] && [[1], [2]].flatten() == [1, 2]
[{'n': 2}, {'n': 1}].sortBy(x, x.n)[0].n == 1 && [1, 2, 3].slice(0, 2) == [1, 2]
# hashes
'abc'.md5() == '900150983cd24fb0d6963f7d28e17f72' && hash.sha1('abc') == 'a9993e364706816aba3e25717850c26c9cd0d89d'
'abc'.sha256('base64') == 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=' && 'abc'.crc32() == '352441c2'
hash.xxhash64('abc') == '44bc2cf5ad770999' && 'abc'.sha512().size() == 128 && 'abc'.crc64().size() == 16
# encodings
'hi'.encodeBase64() == 'aGk=' && 'aGk='.decodeBase64() == 'hi' && base64.encode(b'hi') == 'aGk='
'{"a":[1,true,null]}'.decodeJson().a[0] == 1 && {'b': [1, 'x'], 'a': 1.5}.encodeJson() == '{"a":1.5,"b":[1,"x"]}'
json.encode(req.headers['x-api-key']) == '["k1","k2"]' && '{}'.isJson() && !'{'.isJson()
'a=1&b=2&b=3'.decodeQueryString().a == '1' && 'a=1&b=2&b=3'.decodeQueryString().b == ['2', '3']
queryString.encode({'b': ['2', '3'], 'a': '1'}) == 'a=1&b=2&b=3' && 'a=1'.isQueryString()
'a b&c'.escapeUrl() == 'a+b%26c' && url.unescape('a+b') == 'a b' && url.parse(req.url).path == '/v1/users'
'https://a.b/c'.isURL() && !'/c'.isURL() && basic_auth.encode('u', 'p') == 'Basic dTpw'
# addresses
inCidrRange(conn.client_ip, '203.0.113.0/24') && !inCidrRange(conn.client_ip, 'nonsense') && !inCidrRange('nonsense', '0.0.0.0/0')
inCidrRanges(conn.client_ip, ['10.0.0.0/8', 'nonsense', '203.0.113.7/32']) && '10.1.2.3'.isPrivateIp() && !'8.8.8.8'.isPrivateIp()
# time, chance, secrets
timestamp(time.now).getFullYear() == 2026 && timestamp(time.now).getDayOfWeek() == 5
rand.double() < 1.0 && rand.int(3, 3) == 3 && rand.int() in [0, 1]
secrets.get('v', 'token').startsWith('s3')
type(req.method) == string && int('12') == 12 && 1 < 1.5 && dyn(1) == 1.0
`

func TestRuntimeErrors(t *testing.T) {
	tests := []struct{ source, part string }{
		{"req.content_length > 0", "has no value"},
		{"req.headers['nope'][0] == 'x'", "no such key"},
		{"conn.geo.country_code == 'DE'", "has no value"},
		{"secrets.get('v', 'none') == ''", "no such secret"},
		{"{'a': 1}[secrets.get('v', 'token')] == 1", "***"},
		{"'a'.sha256('hax') == ''", "neither hex nor base64"},
		{"rand.int(3, 1) == 0", "min <= max"},
		{"lists.range(9999).all(a, lists.range(9999).all(b, a + b >= 0))", "cost limit"},
		{"lists.range(9000).all(i, req.headers['x-long'][0].sha512() != '')", "cost limit"},
		{"lists.range(1000000000).size() > 0", "range"},
		{"lists.range(5000).map(i, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').join().replace('a', 'bbbbbbbbbbbbbbbbbbbb') == ''", "longer than"},
	}
	for _, tt := range tests {
		start := time.Now()
		_, err := eval(t, tt.source)
		if err == nil || !strings.Contains(err.Error(), tt.part) {
			t.Errorf("%s: error %v, want one with %q", tt.source, err, tt.part)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error shows the secret: %v", tt.source, err)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s took %v", tt.source, d)
		}
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		source string
		offset int
		part   string
	}{
		{"req.path == '/x'", 0, "did you mean req.url.path?"},
		{"true && request.path == '/x'", 8, "did you mean req.url.path?"},
		{"request.headers['a'][0] == ''", 0, "did you mean req.headers?"},
		{"req.url.pth == '/x'", 0, "did you mean req.url.path?"},
		{"req.raw == ''", 0, "did you mean req.url.raw?"},
		{"req.body == ''", 0, "it can be read in on_http_request"},
		{"req.method.includes('x')", 10, "did you mean contains()?"},
		{"req.headers.get('x') == ''", 11, "req.headers['name'][0]"},
		{"req.method == 1", 11, "no matching overload"},
		{"req.headers['x'].startsWith('y')", 27, "the value is a list"},
		{"(req.method == 'x'", 18, "closing parenthesis is missing"},
		{"req.method == '${vars.x}' && ${vars.y}", 29, "without ${"},
		{"a.exists(x, x == 1)", 0, "unknown variable a"},
		{"['a'].exists(x, y == 'a')", 16, "unknown variable y"},
		{"req.method.matches('(')", 0, "regex"},
		{"", 0, "empty"},
		{"has(req)", 4, "has() takes a member"},
		{"foo.bar(1)", 0, "unknown variable foo"},
		{"hash.md6('a') == ''", 0, "hash"},
	}
	for _, tt := range tests {
		_, faults := environment().Compile(tt.source)
		if len(faults) == 0 || !strings.Contains(faults[0].String(), tt.part) || (tt.offset != 0 && !offsetNear(faults[0].Offset, tt.offset)) {
			t.Errorf("%s: faults %+v, want offset %d and %q", tt.source, faults, tt.offset, tt.part)
		}
	}
}

// offsetNear allows a fault of a call to stand at its dot or parenthesis.
func offsetNear(got, want int) bool { return got >= want-1 && got <= want+9 }

func TestResponseIsUnreadableInRequestPhase(t *testing.T) {
	_, faults := newEnv(expr.OnRequest).Compile("res.status_code == 200")
	if len(faults) != 1 || faults[0].Message != "res.status_code cannot be read in on_http_request" || !strings.Contains(faults[0].Hint, "on_http_response") {
		t.Errorf("faults = %+v", faults)
	}
}

func TestEverySyntaxFaultHasAHint(t *testing.T) {
	for _, source := range []string{"req.method ==", "==", "req.method 'x'", "req.method == 'x", "{", "req..method", "a ? b", "\u00a0"} {
		_, faults := environment().Compile(source)
		if len(faults) == 0 || faults[0].Hint == "" {
			t.Errorf("%q: %v", source, faults)
		}
	}
}
