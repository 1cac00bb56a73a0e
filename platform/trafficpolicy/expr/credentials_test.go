package expr

import "testing"

func TestCredentialsOfExpressions(t *testing.T) {
	env, err := NewEnv(OnRequest, Result(0, 0, str, "", "actions.ngrok.oauth.access_token"))
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]Credentials{
		"conn.client_ip":                                  0,
		"req.headers['host']":                             0,
		"req.headers['X-User'][0].lower()":                0,
		"getReqHeader('x-user')":                          0,
		"'authorization' in req.headers":                  0,
		"hasReqCookie('session')":                         0,
		"req.url.path + req.method":                       0,
		"req.url.query_params['page'][0]":                 0,
		"req.headers['authorization'] == ['']":            0, // a truth value
		"req.headers['Authorization'][0].split(' ')[1]":   ReadsCredentials,
		"getReqHeader('x-api-key')":                       ReadsCredentials,
		"hash.sha256(req.headers['x-api-key'][0])":        ReadsCredentials,
		"[1].map(x, req.headers['cookie'])":               ReadsCredentials,
		"req.headers[req.method]":                         ReadsCredentials,
		"req.headers":                                     ReadsCredentials,
		"req.headers.authorization":                       ReadsCredentials,
		"req.headers.host":                                0,
		"getReqCookie('session').value":                   ReadsCredentials,
		"req.cookies['a'][0]":                             ReadsCredentials,
		"secrets.get('v', 'n')":                           ReadsCredentials,
		"getQueryParam('api_key')":                        ReadsCredentials,
		"{'k': [secrets.get('v', 'n')]}":                  ReadsCredentials,
		"actions.ngrok.oauth.access_token":                ReadsCredentials,
		"has(req.headers['x-u']) ? req.url : vars.tenant": ReadsURL | ReadsVars,
	} {
		p, faults := env.Compile(source)
		if len(faults) > 0 {
			t.Errorf("%s: %v", source, faults)
			continue
		}
		if got := p.Credentials(); got != want {
			t.Errorf("%s reads %b, want %b", source, got, want)
		}
	}
}
