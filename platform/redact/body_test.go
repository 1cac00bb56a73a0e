package redact_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/redact"
)

const (
	jwt  = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
	card = "4111 1111 1111 1111"
	aws  = "AKIAIOSFODNN7EXAMPLE"
)

func redactor(t testing.TB, rules ...*policyv1.RedactionRule) *redact.Redactor {
	t.Helper()
	r, err := redact.New(redact.Config{Key: redact.Key([]byte("shared")), Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// short shows marks as <rule length>.
func short(s string) string {
	s = hashes.ReplaceAllString(s, "]")
	s = strings.NewReplacer(" ]", ">", "+]", ">", "[redacted ", "<", "[redacted+", "<").Replace(s)
	return s
}

func TestBodies(t *testing.T) {
	rules := []*policyv1.RedactionRule{
		{Name: "ssn", Pattern: `\b(\d{3}-\d{2}-\d{4})\b`},
		{Name: "pins", JsonPath: "$.cards[*].pin"},
		{Name: "deep", JsonPath: "$..inner"},
		{Name: "nick", FormField: "nick name"},
		{Name: "member", Pattern: `"plan":\s*"(\w+)"`},
	}
	const js, form, multi = "application/json; charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=XX"
	tests := []struct{ name, media, in, want string }{
		{"nothing", js, `{"a":"b","n":12}`, `{"a":"b","n":12}`},
		{"password", js, `{"user":"u","password":"hunter2"}`, `{"user":"u","password":"<json_password 7>"}`},
		{"spaces", js, "{\n  \"clientSecret\" :\t\"x\" }", "{\n  \"clientSecret\" :\t\"<json_password 1>\" }"},
		{"number", js, `{"pwd":12345,"b":1}`, `{"pwd":"<json_password 5>","b":1}`},
		{"word", js, `{"token":null,"secret":true,"password":""}`, `{"token":null,"secret":true,"password":""}`},
		{"object", js, `{"secret":{"a":[1,"}"]},"b":1}`, `{"secret":"<json_password 13>","b":1}`},
		{"array", js, `[{"credentials":["a","b"]},2]`, `[{"credentials":"<json_password 9>"},2]`},
		{"escaped name", js, `{"pass\u0077ord":"x"}`, `{"pass\u0077ord":"<json_password 1>"}`},
		{"escapes", js, `{"password":"a\"b\\","c":"d"}`, `{"password":"<json_password 6>","c":"d"}`},
		{"jwt", js, `{"x":"see ` + jwt + `."}`, `{"x":"see <jwt 92>."}`},
		{"jwt as name", js, `{"` + jwt + `":1}`, `{"<jwt 92>":1}`},
		{"card", js, `{"x":"` + card + `"}`, `{"x":"<card_number 19>"}`},
		{"card as number", js, `{"x":4111111111111111,"y":4111111111111112}`, `{"x":"<card_number 16>","y":4111111111111112}`},
		{"escaped slash", js, `{"x":"Bearer ab\/cd\/efghij"}`, `{"x":"<bearer_token 21>"}`},
		{"within a text", js, `{"body":"{\"password\":\"hunter2\"}"}`, `{"body":"<json_password 26>"}`},
		{"pattern", js, `{"x":"is 123-45-6789."}`, `{"x":"is <ssn 11>."}`},
		{"pattern over names", js, `{"plan": "gold"}`, `{"plan": "<member 4>"}`},
		{"path", js, `{"cards":[{"pin":1},{"pin":"2","n":3}],"pin":4}`, `{"cards":[{"pin":"<pins 1>"},{"pin":"<pins 1>","n":3}],"pin":4}`},
		{"deep path", js, `[[{"a":{"inner":{"b":1}}}]]`, `[[{"a":{"inner":"<deep 7>"}}]]`},
		{"several texts", js, `{"password":"a"}` + "\n" + `{"password":"bb"}`, `{"password":"<json_password 1>"}` + "\n" + `{"password":"<json_password 2>"}`},
		{"undeclared", "", ` {"password":"a"}`, ` {"password":"<json_password 1>"}`},
		{"octets", "application/octet-stream", `{"password":"a"}`, `{"password":"<json_password 1>"}`},
		{"log line", "text/plain", `he said "hi` + "\n" + `got {"password":"a"} and ` + aws, `he said "hi` + "\n" + `got {"password":"<json_password 1>"} and <aws_key 20>`},
		{"event", "text/event-stream", "event: x\ndata: {\"token\":\"abc\"}\n\n", "event: x\ndata: {\"token\":\"<json_password 3>\"}\n\n"},
		{"url", "text/plain", "redis://u:p4ss@host/0 me@example.org", "redis://u:<url_credentials 4>@host/0 me@example.org"},
		{"basic", "text/plain", "Basic dXNlcjpwdw== Basic authentication", "Basic <basic_credentials 12> Basic authentication"},
		{"cards among numbers", "text/plain", "12345678 4111 1111 1111 1111 22 2026-01-02 4111111111111111 1", "12345678 <card_number 19> 22 2026-01-02 <card_number 16> 1"},
		{"services", "text/plain", "ghp_" + strings.Repeat("a", 36) + " sk_live_" + strings.Repeat("b", 24) + " xoxb-1234567890-abc task_list", "<github_token 40> <stripe_key 32> <slack_token 19> task_list"},
		{"key", "text/plain", "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n", "-----BEGIN RSA PRIVATE KEY-----<private_key 5>-----END RSA PRIVATE KEY-----\n"},
		{"binary", "image/png", "\x89PNG \"password\":\"x\"", "\x89PNG \"password\":\"x\""},
		{"form", form, "user=u&password=hunter%202&nick+name=joe&a=b", "user=u&password=<form_password+10>&nick+name=<nick+3>&a=b"},
		{"form end", form, "a=b&client_secret=x", "a=b&client_secret=<form_password+1>"},
		{"form card", form, "n=4111+1111+1111+1111&m=" + jwt, "n=<card_number+19>&m=<jwt+92>"},
		{"form json", form, "payload=%7B%22password%22%3A%22x%22%7D", "payload=<json_password+30>"},
		{"multipart", multi, "--XX\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.json\"\r\nContent-Type: application/json\r\n\r\n{\"pwd\":1}\r\n--XX--\r\n",
			"--XX\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n<form_password 7>\r\n--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.json\"\r\nContent-Type: application/json\r\n\r\n{\"pwd\":\"<json_password 1>\"}\r\n--XX--\r\n"},
	}
	r := redactor(t, rules...)
	for _, tt := range tests {
		body := r.Body(redact.BodyConfig{ContentType: tt.media})
		got := string(body.Close([]byte(tt.in), false))
		if short(got) != tt.want || body.Changed() != (tt.in != tt.want) {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.name, tt.in, short(got), tt.want)
		}
		if tt.media == js && json.Valid([]byte(tt.in)) && !json.Valid([]byte(got)) {
			t.Errorf("%s: no JSON: %s", tt.name, got)
		}
		if again := inPieces(r, tt.media, tt.in, func() int { return 1 }); again != got {
			t.Errorf("%s: byte by byte it is %s", tt.name, short(again))
		}
	}
}

func inPieces(r *redact.Redactor, media, in string, size func() int) string {
	body := r.Body(redact.BodyConfig{ContentType: media})
	var out strings.Builder
	for len(in) > 0 {
		n := min(size(), len(in))
		out.Write(body.Write([]byte(in[:n])))
		in = in[n:]
	}
	out.Write(body.Close(nil, false))
	return out.String()
}

func TestEqualValuesCanBeJoined(t *testing.T) {
	r := redactor(t)
	found := map[string][]string{}
	look := func(media, text string) {
		r.Body(redact.BodyConfig{ContentType: media, Found: func(f *redact.Finding) { found[f.Hash] = append(found[f.Hash], f.Rule+" "+f.Path+" "+f.Type) }}).Close([]byte(text), false)
	}
	look("application/json", `{"user":{"password":"p\u00e4ss wort"}}`)
	look("application/x-www-form-urlencoded", "password=p%C3%A4ss+wort")
	look("application/json", `{"number":4111111111111111}`)
	look("text/plain", card)
	if len(found) != 2 {
		t.Errorf("%v", found)
	}
	other, _ := redact.New(redact.Config{Key: redact.Key([]byte("other"))})
	other.Body(redact.BodyConfig{Found: func(f *redact.Finding) {
		if found[f.Hash] != nil {
			t.Error("the hash does not depend on the key")
		}
	}}).Close([]byte(card), false)
}

// Nothing of a secret is left wherever a content is cut off.
func TestCutContents(t *testing.T) {
	r := redactor(t)
	for media, text := range map[string]string{
		"application/json":                  `{"a":"b","password":"hunter2-hunter2","c":"` + jwt + `","d":4111111111111111}`,
		"application/x-www-form-urlencoded": "a=b&password=hunter2-hunter2&c=" + jwt,
		"text/plain":                        "Authorization: Bearer hunter2-hunter2 " + jwt + " " + aws,
	} {
		for cut := range len(text) {
			got := string(r.Body(redact.BodyConfig{ContentType: media}).Close([]byte(text[:cut]), true))
			for _, secret := range []string{"hunter", "eyJhb", "411111", "AKIAI"} {
				if strings.Contains(got, secret) {
					t.Fatalf("%s cut at %d: %s", media, cut, got)
				}
			}
		}
		for limit := 1; limit < len(text); limit++ {
			got := string(r.Body(redact.BodyConfig{ContentType: media, Limit: int64(limit)}).Close([]byte(text), false))
			for _, secret := range []string{"hunter", "eyJhb", "411111", "AKIAI"} {
				if strings.Contains(got, secret) {
					t.Fatalf("%s limited to %d: %s", media, limit, got)
				}
			}
		}
	}
}

// A long content gives the same in pieces of any size as it does at once, and
// secrets across their borders are found.
func TestLongContents(t *testing.T) {
	r := redactor(t, &policyv1.RedactionRule{Name: "ticket", Pattern: `T-\d{6}`})
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("[")
	secrets := 0
	for b.Len() < 1<<20 {
		switch random.IntN(6) {
		case 0:
			fmt.Fprintf(&b, `{"password":"hunter2-%d"},`, random.IntN(1000))
		case 1:
			fmt.Fprintf(&b, `"%s",`, jwt)
		case 2:
			fmt.Fprintf(&b, `"ticket T-%06d",`, random.IntN(1_000_000))
		case 3:
			fmt.Fprintf(&b, `4111111111111111,`)
		default:
			fmt.Fprintf(&b, `{"text":"%s"},`, strings.Repeat("lorem ipsum ", random.IntN(2000)))
			continue
		}
		secrets++
	}
	b.WriteString(`{"password":"` + strings.Repeat("hunter2", 100_000) + `"}]`)
	text := b.String()
	for _, media := range []string{"application/json", "text/plain", "application/octet-stream"} {
		found := 0
		once := string(r.Body(redact.BodyConfig{ContentType: media, Found: func(*redact.Finding) { found++ }}).Close([]byte(text), false))
		if found != secrets+1 {
			t.Errorf("%s: found %d of %d", media, found, secrets+1)
		}
		for _, most := range []int{10, 1000, 70_000, 300_000} {
			if got := inPieces(r, media, text, func() int { return 1 + random.IntN(most) }); got != once {
				t.Errorf("%s in pieces of up to %d differs: %d and %d bytes", media, most, len(got), len(once))
			}
		}
		if strings.Contains(once, "hunter2") || media == "application/json" && !json.Valid([]byte(once)) {
			t.Errorf("%s: a secret is left, or it is no JSON any more", media)
		}
	}
}

func TestHead(t *testing.T) {
	r := redactor(t, &policyv1.RedactionRule{Name: "tenant", Header: "X-Tenant"}, &policyv1.RedactionRule{Name: "pin", QueryParameter: "pin code"})
	for _, tt := range []struct{ name, value, want, rule string }{
		{"Authorization", "Bearer abc", "Bearer <credential_headers 3>", "credential_headers"},
		{"Cookie", "a=1; b=22", "a=<cookies 1>; b=<cookies 2>", "cookies"},
		{"x-tenant", "t", "<tenant 1>", "tenant"},
		{"Location", "https://u:p@h/?token=x", "https://<url_credentials 3>@h/?token=<url_credentials 1>", "url_credentials"},
		{"X-Note", "see " + jwt, "see <jwt 92>", "jwt"},
		{"Accept", "*/*", "*/*", ""},
	} {
		var findings []*redact.Finding
		got, rule := r.Header(tt.name, tt.value, nil, func(f *redact.Finding) { findings = append(findings, f) })
		if short(got) != tt.want || rule != tt.rule || (len(findings) > 0) != (rule != "") {
			t.Errorf("%s: %s by %q, %d findings", tt.name, got, rule, len(findings))
		}
	}
	var findings []string
	path, query, _ := r.Target("/hooks/xoxb-1234567890-abc?access_token=a%20b&pin+code=1&x=Bearer+abcdefgh", nil, func(f *redact.Finding) { findings = append(findings, f.Rule+" "+f.Path) })
	if want := "/hooks/[redacted%20slack_token%2019%20"; !strings.HasPrefix(path, want) {
		t.Errorf("path %s", path)
	}
	if want := "access_token=<url_credentials+5>&pin+code=<pin+1>&x=Bearer+<bearer_token+8>"; short(query) != want {
		t.Errorf("query %s", short(query))
	}
	if got := fmt.Sprint(findings); got != "[slack_token  url_credentials access_token pin pin code bearer_token ]" {
		t.Error(got)
	}
}

func TestRulesCanBeTurnedOff(t *testing.T) {
	text := `{"password":"x","jwt":"` + jwt + `","c":"` + card + `"}`
	r, _ := redact.New(redact.Config{Disabled: append(redact.DefaultRules(), redact.RuleCredentials)})
	if got := string(r.Body(redact.BodyConfig{}).Close([]byte(text), false)); got != text {
		t.Error(got)
	}
	if got, rule := r.Header("Authorization", "x", nil, func(*redact.Finding) {}); rule != redact.RuleCredentials {
		t.Errorf("%s by %q", got, rule)
	}
}
