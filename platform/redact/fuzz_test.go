package redact_test

import (
	"encoding/json"
	"strings"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/redact"
)

// Whatever a content is, it comes out the same in pieces of any size, and JSON
// stays JSON.
func fuzzBody(f *testing.F, media string, seeds ...string) {
	r := redactor(f, &policyv1.RedactionRule{Name: "p", Pattern: `T-\d{3}`}, &policyv1.RedactionRule{Name: "j", JsonPath: "$..pin"})
	plain := redactor(f)
	for _, s := range seeds {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		once := string(r.Body(redact.BodyConfig{ContentType: media}).Close([]byte(text), false))
		if plain.Clean(media, []byte(text), false) && string(plain.Body(redact.BodyConfig{ContentType: media}).Close([]byte(text), false)) != text {
			t.Errorf("%q is not clean", text)
		}
		if pieces := inPieces(r, media, text, func() int { return max(1, size) }); pieces != once {
			t.Errorf("%q: %q and %q", text, once, pieces)
		}
		if json.Valid([]byte(text)) && strings.Contains(media, "json") && !json.Valid([]byte(once)) {
			t.Errorf("%q became %q", text, once)
		}
		r.Body(redact.BodyConfig{ContentType: media, Limit: int64(max(1, size))}).Close([]byte(text), true)
	})
}

func FuzzJSON(f *testing.F) {
	fuzzBody(f, "application/json", `{"password":"x","a":[1,{"pin":{}}],"t":"T-123 \" `+card+`"}`, `{"token":12e5,"x":"\\"}`, `[4111111111111111`, `"`+jwt+`"`)
}

func FuzzMultipart(f *testing.F) {
	fuzzBody(f, "multipart/form-data; boundary=X", "--X\r\nContent-Disposition: form-data; name=password\r\n\r\nx\r\n--X--", "a\r\n--X\r\n\r\n{\"pwd\":1}\r\n--X")
}

func FuzzForm(f *testing.F) {
	fuzzBody(f, "application/x-www-form-urlencoded", "a=b&password=x&c=%7B%22pwd%22%3A1%7D", "=&&token=")
}

func FuzzText(f *testing.F) {
	fuzzBody(f, "text/plain", "a \"password\": \"x\"\nBearer abcdefgh "+aws, "u://a:b@c -----BEGIN PRIVATE KEY-----")
}

// A member with a telling name never keeps its value.
func FuzzJSONPasswordIsGone(f *testing.F) {
	r := redactor(f)
	f.Add("before", "hunter2", "after", 10)
	f.Fuzz(func(t *testing.T, before, value, after string, cut int) {
		doc, err := json.Marshal([]any{before, map[string]any{"n": after, "password": "~" + value + "~"}, after})
		quoted, _ := json.Marshal("~" + value + "~")
		secret := string(quoted[1 : len(quoted)-1])
		if err != nil || strings.Contains(before+after, "~") || len(value) < 3 {
			return
		}
		text := string(doc)
		cut = max(1, min(cut, len(text)))
		for _, got := range []string{
			string(r.Body(redact.BodyConfig{ContentType: "application/json"}).Close([]byte(text), false)),
			string(r.Body(redact.BodyConfig{ContentType: "application/json"}).Close([]byte(text[:cut]), cut < len(text))),
		} {
			if strings.Contains(got, "~") || strings.Contains(got, secret) {
				t.Errorf("%q: %q", text, got)
			}
		}
	})
}
