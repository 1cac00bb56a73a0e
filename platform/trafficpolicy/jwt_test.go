package trafficpolicy_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/policytest"
)

const jwtPolicy = `
on_http_request:
  - actions:
      - type: jwt-validation
        config:
          issuer: {allow_list: [{value: "https://login.example.com/"}, {value: "${'https://' + 'other'}"}]}
          audience: {allow_list: [{value: api}]}
          http:
            tokens:
              - {type: access_token, method: header, name: Authorization, prefix: "Bearer "}
          jws:
            allowed_algorithms: [RS256, ES256, EdDSA, PS384]
            keys: {sources: {additional_jkus: ["https://login.example.com/keys", "https://other.example.com/keys"]}}
      - type: add-headers
        config: {headers: {x-sub: "${actions.ngrok.jwt_validation.tokens[0].payload.sub}"}}
`

// signer makes tokens with a key of its own.
type signer struct {
	alg    jose.SignatureAlgorithm
	kid    string
	secret crypto.Signer
}

func newSigner(t *testing.T, alg jose.SignatureAlgorithm, kid string) signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{alg, kid, key}
}

func (s signer) sign(t *testing.T, typ string, claims map[string]any) string {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	js, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: jose.JSONWebKey{Key: s.secret, KeyID: s.kid}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := js.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func keySet(t *testing.T, signers ...signer) string {
	t.Helper()
	set := jose.JSONWebKeySet{}
	for _, s := range signers {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: s.secret.Public(), KeyID: s.kid, Algorithm: string(s.alg), Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	// Keys that nobody understands, and secrets, are passed over.
	return strings.Replace(string(text), `{"keys":[`, `{"keys":[{"kty":"new","kid":"x"},{"kty":"oct","kid":"secret","k":"c2VjcmV0"},`, 1)
}

var noon = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // when policytest begins

func claims(more ...any) map[string]any {
	out := map[string]any{"iss": "https://login.example.com/", "aud": []string{"web", "api"}, "sub": "alice", "exp": noon.Add(time.Hour).Unix()}
	for i := 0; i < len(more); i += 2 {
		if more[i+1] == nil {
			delete(out, more[i].(string))
			continue
		}
		out[more[i].(string)] = more[i+1]
	}
	return out
}

func TestJWTValidation(t *testing.T) {
	rs, es, ed, ps := newSigner(t, jose.RS256, "r1"), newSigner(t, jose.ES256, ""), newSigner(t, jose.EdDSA, "e1"), newSigner(t, jose.PS384, "p1")
	stranger := newSigner(t, jose.RS256, "r1")
	encode := base64.RawURLEncoding.EncodeToString
	good := rs.sign(t, "JWT", claims())
	parts := strings.Split(good, ".")
	none := encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	mac := encode([]byte(`{"alg":"HS256","kid":"secret"}`)) + "." + parts[1] + "." + parts[2]
	forged := parts[0] + "." + encode([]byte(`{"iss":"https://login.example.com/","aud":"api","sub":"root"}`)) + "." + parts[2]
	tests := []struct {
		name, header string
		want         trafficpolicy.Code
	}{
		{"RS256", "Bearer " + good, ""},
		{"prefix in another case", "bearer " + good, ""},
		{"ES256 without kid", "Bearer " + es.sign(t, "JWT", claims()), ""},
		{"EdDSA", "Bearer " + ed.sign(t, "JWT", claims()), ""},
		{"PS384 from the second set", "Bearer " + ps.sign(t, "JWT", claims()), ""},
		{"issuer made by a template", "Bearer " + rs.sign(t, "JWT", claims("iss", "https://other")), ""},
		{"one audience", "Bearer " + rs.sign(t, "JWT", claims("aud", "api")), ""},
		{"no end", "Bearer " + rs.sign(t, "JWT", claims("exp", nil)), ""},
		{"expired within the skew", "Bearer " + rs.sign(t, "JWT", claims("exp", noon.Add(-29*time.Second).Unix())), ""},
		{"expired", "Bearer " + rs.sign(t, "JWT", claims("exp", noon.Add(-30*time.Second).Unix())), trafficpolicy.CodeTokenInvalid},
		{"end is no number", "Bearer " + rs.sign(t, "JWT", claims("exp", "tomorrow")), trafficpolicy.CodeTokenInvalid},
		{"not yet", "Bearer " + rs.sign(t, "JWT", claims("nbf", noon.Add(time.Minute).Unix())), trafficpolicy.CodeTokenInvalid},
		{"other issuer", "Bearer " + rs.sign(t, "JWT", claims("iss", "https://login.example.com")), trafficpolicy.CodeTokenForbidden},
		{"no issuer", "Bearer " + rs.sign(t, "JWT", claims("iss", nil)), trafficpolicy.CodeTokenForbidden},
		{"other audience", "Bearer " + rs.sign(t, "JWT", claims("aud", "web")), trafficpolicy.CodeTokenForbidden},
		{"no audience", "Bearer " + rs.sign(t, "JWT", claims("aud", nil)), trafficpolicy.CodeTokenForbidden},
		{"no header", "", trafficpolicy.CodeTokenHeader},
		{"no prefix", good, trafficpolicy.CodeTokenPrefix},
		{"other scheme", "Basic YTpi", trafficpolicy.CodeTokenPrefix},
		{"garbage", "Bearer a.b.c", trafficpolicy.CodeTokenMalformed},
		{"alg none", "Bearer " + none, trafficpolicy.CodeTokenInvalid},
		{"alg HS256", "Bearer " + mac, trafficpolicy.CodeTokenInvalid},
		{"changed payload", "Bearer " + forged, trafficpolicy.CodeTokenInvalid},
		{"a stranger's key of the same name", "Bearer " + stranger.sign(t, "JWT", claims()), trafficpolicy.CodeTokenInvalid},
		{"payload is no object", "Bearer " + encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(`[]`)) + "." + parts[2], trafficpolicy.CodeTokenMalformed},
	}
	suite := policytest.Suite{Protocol: trafficpolicy.HTTPS, Policy: jwtPolicy, Remote: map[string]policytest.Upstream{
		"https://login.example.com/keys": {Body: keySet(t, rs, es, ed)},
		"https://other.example.com/keys": {Body: keySet(t, ps)},
	}}
	for _, tt := range tests {
		step := policytest.Step{Name: tt.name, Repeat: 1, Request: policytest.Request{Headers: map[string]string{}}}
		if tt.header != "" {
			step.Request.Headers["authorization"] = tt.header
		}
		step.Expect = policytest.Expect{Status: 200, Forwarded: &policytest.Forwarded{Headers: map[string]string{"x-sub": "alice"}}}
		if tt.want != "" {
			step.Expect = policytest.Expect{Status: statusOf(tt.want), ErrorCode: string(tt.want), Refused: true, Results: map[string]any{"jwt_validation.error.code": string(tt.want)}}
		}
		suite.Steps = append(suite.Steps, step)
	}
	runSuite(t, &suite)
}

func runSuite(t *testing.T, s *policytest.Suite) {
	t.Helper()
	results, problems := s.Run(t.Context())
	if len(problems.Errors()) > 0 {
		t.Fatalf("the policy is refused:\n%s", lines(problems))
	}
	for _, r := range results {
		for _, f := range r.Failures {
			t.Errorf("%s: %s", r.Step, f)
		}
	}
}

func statusOf(code trafficpolicy.Code) int {
	for _, info := range trafficpolicy.Codes() {
		if info.Code == code {
			return info.Status
		}
	}
	return 0
}

func TestJWTInBody(t *testing.T) {
	rs := newSigner(t, jose.RS256, "r1")
	good, plain := rs.sign(t, "at+jwt", claims()), rs.sign(t, "JWT", claims())
	const form, jsonType = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	multi := "--b\r\nContent-Disposition: form-data; name=\"Token\"\r\n\r\n" + good + "\r\n--b--\r\n"
	tests := []struct {
		name, method, contentType, body string
		want                            trafficpolicy.Code
	}{
		{"JSON", "POST", jsonType, `{"a":{"token":1},"TOKEN":"` + good + `"}`, ""},
		{"form", "PUT", form, "a=b&token=" + good, ""},
		{"multipart", "PATCH", "multipart/form-data; boundary=b", multi, ""},
		{"at+jwt wants its type", "POST", form, "token=" + plain, trafficpolicy.CodeTokenInvalid},
		{"twice in JSON", "POST", jsonType, `{"token":"` + good + `","Token":"x"}`, trafficpolicy.CodeTokenMalformed},
		{"twice in a form", "POST", form, "token=x&token=" + good, trafficpolicy.CodeTokenMalformed},
		{"absent", "POST", jsonType, `{}`, trafficpolicy.CodeTokenNotFound},
		{"not a text", "POST", jsonType, `{"token":{}}`, trafficpolicy.CodeTokenNotFound},
		{"not an object", "POST", jsonType, `["token"]`, trafficpolicy.CodeTokenJSON},
		{"broken JSON", "POST", jsonType, `{"token":"` + good + `"`, trafficpolicy.CodeTokenJSON},
		{"broken form", "POST", form, "token=%zz", trafficpolicy.CodeTokenForm},
		{"broken multipart", "POST", "multipart/form-data; boundary=c", multi, trafficpolicy.CodeTokenForm},
		{"other type", "POST", "text/plain", good, trafficpolicy.CodeTokenContentType},
		{"GET", "GET", jsonType, "", trafficpolicy.CodeTokenMethod},
		{"too large", "POST", form, "token=" + strings.Repeat("a", 1<<20), trafficpolicy.CodeRequestTooLarge},
	}
	policy := `on_http_request: [{actions: [{type: jwt-validation, config: {issuer: {allow_list: [{value: "https://login.example.com/"}]}, http: {tokens: [{type: at+jwt, method: body, name: token}]},
      jws: {allowed_algorithms: [RS256], keys: {sources: {additional_jkus: ["https://login.example.com/keys"]}}}}}]}]`
	suite := policytest.Suite{Protocol: trafficpolicy.HTTPS, Policy: policy, Remote: map[string]policytest.Upstream{"https://login.example.com/keys": {Body: keySet(t, rs)}}}
	for _, tt := range tests {
		step := policytest.Step{Name: tt.name, Repeat: 1, Request: policytest.Request{Method: tt.method, Body: tt.body, Headers: map[string]string{"content-type": tt.contentType}}}
		step.Expect = policytest.Expect{Status: 200, Forwarded: &policytest.Forwarded{Body: &tt.body}}
		if tt.want != "" {
			step.Expect = policytest.Expect{Status: statusOf(tt.want), ErrorCode: string(tt.want), Refused: true}
		}
		suite.Steps = append(suite.Steps, step)
	}
	runSuite(t, &suite)
}

// keyServer is a source of keys that can fail and change.
type keyServer struct {
	document atomic.Pointer[string]
	asked    atomic.Int64
	delay    time.Duration
}

func (k *keyServer) FetchKeys(ctx context.Context, _ string) ([]byte, error) {
	k.asked.Add(1)
	select {
	case <-time.After(k.delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if document := k.document.Load(); document != nil {
		return []byte(*document), nil
	}
	return nil, errors.New("down")
}

func (k *keyServer) serve(document string) { k.document.Store(&document) }

// TestKeySetsAreKept: for 15 minutes as they are, for a day while their source
// fails, and until a token names a key that is not among them.
func TestKeySetsAreKept(t *testing.T) {
	first, second := newSigner(t, jose.ES256, "one"), newSigner(t, jose.ES256, "two")
	synctest.Test(t, func(t *testing.T) {
		server := &keyServer{delay: 100 * time.Millisecond}
		svc := trafficpolicy.Services{KeySets: trafficpolicy.NewKeySets(server, nil)}
		policy := compile(t, strings.ReplaceAll(jwtPolicy, `, "https://other.example.com/keys"`, ""))
		try := func(what string, s signer, want int, fetches int64) {
			t.Helper()
			in := exchange()
			in.Request.Header.Add("Authorization", "Bearer "+s.sign(t, "JWT", claims("exp", nil)))
			run := policy.Start(in, svc)
			defer run.Release()
			out, err := run.OnRequest(t.Context())
			got := 200
			if err != nil {
				t.Fatal(err)
			}
			if out != nil {
				got = out.Response.Status
			}
			synctest.Wait()
			if got != want || server.asked.Load() != fetches {
				t.Errorf("%s: %d after %d fetches, want %d after %d", what, got, server.asked.Load(), want, fetches)
			}
		}
		try("source down", first, 500, 1)
		try("asked again only after two seconds", first, 500, 1)
		time.Sleep(2 * time.Second)
		server.serve(keySet(t, first))
		try("source up", first, 200, 2)
		time.Sleep(14 * time.Minute)
		try("from the cache", first, 200, 2)
		server.document.Store(nil)
		time.Sleep(2 * time.Minute)
		try("old, fetched again behind the request's back", first, 200, 3)
		time.Sleep(time.Minute)
		try("the source fails and the set still serves", first, 200, 4)
		time.Sleep(time.Minute)
		server.serve(keySet(t, second))
		try("an unknown key makes it fetch", second, 200, 5)
		try("the key that is gone is refused, without another fetch", first, 401, 5)
		time.Sleep(25 * time.Hour)
		server.document.Store(nil)
		try("a set of the day before does not serve", second, 500, 6)
	})
}

// TestKeySetIsFetchedOnceForAll: requests that come together share a fetch, and
// one that goes away does not end it.
func TestKeySetIsFetchedOnceForAll(t *testing.T) {
	s := newSigner(t, jose.ES256, "one")
	document := keySet(t, s)
	synctest.Test(t, func(t *testing.T) {
		server := &keyServer{delay: time.Second}
		server.serve(document)
		svc := trafficpolicy.Services{KeySets: trafficpolicy.NewKeySets(server, nil)}
		policy := compile(t, jwtPolicy)
		token := "Bearer " + s.sign(t, "JWT", claims("exp", nil))
		for i := range 10 {
			go func() {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if i == 0 {
					time.AfterFunc(time.Millisecond, cancel)
				}
				in := exchange()
				in.Request.Header.Add("Authorization", token)
				run := policy.Start(in, svc)
				defer run.Release()
				if out, err := run.OnRequest(ctx); out != nil || (err != nil) != (i == 0) {
					t.Errorf("request %d: %+v, %v", i, out, err)
				}
			}()
			synctest.Wait()
		}
		time.Sleep(3 * time.Second)
		if n := server.asked.Load(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

func TestKeySetsAreBounded(t *testing.T) {
	server := &keyServer{}
	server.serve(`{"keys":[]}`)
	svc := trafficpolicy.Services{KeySets: trafficpolicy.NewKeySets(server, nil)}
	policy := compile(t, strings.ReplaceAll(jwtPolicy, `"https://login.example.com/keys", "https://other.example.com/keys"`, `"https://${req.host}/keys"`))
	token := "Bearer " + newSigner(t, jose.ES256, "one").sign(t, "JWT", claims())
	for i := range 1000 {
		in := exchange()
		in.Request.Host = fmt.Sprintf("h%d", i)
		in.Request.Header.Add("Authorization", token)
		run := policy.Start(in, svc)
		out, err := run.OnRequest(t.Context())
		run.Release()
		if err != nil || out.ErrorCode != trafficpolicy.CodeKeySet {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	if n := svc.KeySets.Len(); n > 256 {
		t.Errorf("%d sets are kept", n)
	}
}
