package redact

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// bits are what texts are drawn from: pieces of secrets, and what stands around them.
var bits = []string{
	"eyJhbGciOiJIUzI1NiJ9", ".", "eyJzdWIiOiIxIn0", "sig", "ghp_", "sk_live_", "github_pat_", "whsec_", "npm_", strings.Repeat("a", 40), "xoxb-", "glpat-",
	"-----BEGIN RSA PRIVATE KEY-----", "-----END ", "----", "http://user:pass@host/", "@", "AKIA", "ASIA", "AIza", "IOSFODNN7EXAMPLE", "Bearer ", "basic ", "dXNlcjpwYXNz",
	"4111", "1111", " ", "-", "4111111111111111", "378282246310005", "3782 822463 10005", "5", "12", "123", "2026", "x", "\n", "%20", "+", "B", "b", "I", "J", "_",
	"token", "password", "=", "&", ";", "?", "/", "a", "\xff", "é", `"`, `\`, ":",
}

func drawText(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(bits), 0, 12).Draw(t, "text"), "")
}

// TestQuietMissesNothing: the quick look finds all that the long one does.
func TestQuietMissesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, _ := New(Config{Key: Key([]byte("k")), Disabled: rapid.SliceOf(rapid.SampledFrom(DefaultRules())).Draw(t, "off")})
		text, more := drawText(t), rapid.Bool().Draw(t, "more")
		if spans := r.shapes([]byte(text), more, nil); len(spans) > 0 && r.quiet([]byte(text), more) {
			t.Fatalf("%q is called quiet and has %v", text, spans)
		}
	})
}

// TestCleanMissesNothing does the same for headers, targets and JSON.
func TestCleanMissesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Key: Key([]byte("k")), Disabled: rapid.SliceOf(rapid.SampledFrom(DefaultRules())).Draw(t, "off")}
		if rapid.Bool().Draw(t, "rules") {
			cfg.Rules = []*policyv1.RedactionRule{{Name: "own", QueryParameter: "a"}}
		}
		r, _ := New(cfg)
		none := func(*Finding) {}
		name := rapid.SampledFrom([]string{"Accept", "Authorization", "cookie", "Referer", "X-Api-Key", "location"}).Draw(t, "name")
		text := drawText(t)
		if kept, rule := r.header(name, text, nil, none); r.CleanHeader(name, text) && (kept != text || rule != "") {
			t.Fatalf("header %s: %q is called clean and becomes %q", name, text, kept)
		}
		q := query{m: r.marker("", "+", none), named: r.query, off: r.off[RuleURL]}
		if now, changed := q.redact(text, "&"); q.clean(text, '&') == changed {
			t.Fatalf("query %q becomes %q", text, now)
		}
		for _, media := range []string{"application/json", "text/plain", ""} {
			b := r.Body(BodyConfig{ContentType: media})
			b.process(true, false)
			b = r.Body(BodyConfig{ContentType: media})
			b.buf = []byte(text)
			b.process(true, false)
			if r.Clean(media, []byte(text), false) && b.Changed() {
				t.Fatalf("%s: %q is called clean and becomes %q", media, text, b.out)
			}
		}
	})
}

// drawValue draws what a JSON text may hold, which may be JSON in a string.
func drawValue(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 {
		kind = 0
	}
	switch kind {
	case 1:
		inner, _ := json.Marshal(drawValue(t, depth-1))
		return string(inner)
	case 2:
		return []any{drawValue(t, depth-1), drawValue(t, depth-1)}
	case 3, 4:
		name := rapid.OneOf(rapid.SampledFrom([]string{"password", "api\"key", "name", "pass<word", "t\noken", "a"}), rapid.Custom(drawText)).Draw(t, "name")
		return map[string]any{name: drawValue(t, depth-1)}
	}
	return drawText(t)
}

// TestCleanJSONMissesNothing: neither in names nor in strings with escapes.
func TestCleanJSONMissesNothing(t *testing.T) {
	called := 0
	rapid.Check(t, func(t *rapid.T) {
		r, _ := New(Config{Key: Key([]byte("k")), Disabled: rapid.SliceOfN(rapid.SampledFrom(DefaultRules()), 0, 2).Draw(t, "off")})
		text, err := json.Marshal(drawValue(t, 4))
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
		for _, p := range [][]byte{text, text[:cut]} {
			b := r.Body(BodyConfig{ContentType: "application/json"})
			b.buf = slices.Clone(p)
			b.process(true, len(p) < len(text))
			if !r.Clean("application/json", p, len(p) < len(text)) {
				continue
			}
			if called++; b.Changed() {
				t.Fatalf("%s is called clean and becomes %s", p, b.out)
			}
		}
	})
	if called < 20 {
		t.Errorf("only %d texts are called clean", called)
	}
}

// TestEndsOfNames: the quick look at a name passes each that is a secret's.
func TestEndsOfNames(t *testing.T) {
	for name := range secretParameters {
		for _, spelled := range []string{name, strings.ToUpper(name), name[:1] + "-" + name[1:], name + "_", name + "[]"} {
			if !isSecretName(spelled) {
				t.Errorf("%q is called no secret", spelled)
			}
		}
	}
	r, _ := New(Config{Key: Key([]byte("k"))})
	b := r.Body(BodyConfig{ContentType: "application/x-www-form-urlencoded"})
	if got := string(b.Close([]byte("passwor%64=hunter2-hunter2"), false)); strings.Contains(got, "hunter2") {
		t.Errorf("a form field whose name has escapes stays: %s", got)
	}
	if isSecretName("page%5Ftoken") || !isSecretName("api%5Fkey") || !isSecretName("x%2Dpassword") || !isSecretName("passwor%64") {
		t.Error("names with escapes")
	}
}

// TestNothingIsAllocatedForNothing: what holds no secret costs no memory.
func TestNothingIsAllocatedForNothing(t *testing.T) {
	r, _ := New(Config{Key: Key([]byte("k"))})
	none := func(*Finding) {}
	escapes := []byte(`{"bucket_key":"[\"192.0.2.1\",\"a\u003cb\"]","limited":false}`)
	long := strings.Repeat("text/html;q=0.9, ", 20)
	if n := testing.AllocsPerRun(100, func() {
		r.Header("Accept", long, nil, none)
		r.Target("/v1/users/12345?page=2&sort="+"name", nil, none)
		r.Text(long, nil, none)
		r.Clean("application/json", []byte(`{"a":"b"}`), false)
		if !r.Clean("application/json", escapes, false) {
			t.Fatal("not clean")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
