package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sluice.dev/platform/redact"
)

// hashes are the ends of marks.
var hashes = regexp.MustCompile(`[0-9a-f]{16}\]`)

const tricky = `p&ss"wörd/<+>=x y`

func TestSecretInEveryForm(t *testing.T) {
	s := redact.NewSecret("secret:v/n", tricky)
	quoted, _ := json.Marshal(map[string]string{"k": "a" + tricky + "b"})
	for name, text := range map[string]string{
		"plain": "Token " + tricky + ";", "query": "k=" + url.QueryEscape(tricky) + "&x", "path": "/a/" + url.PathEscape(tricky) + "/b", "json": string(quoted),
		"base64": base64.StdEncoding.EncodeToString([]byte(tricky)), "basic 1": base64.StdEncoding.EncodeToString([]byte("u:" + tricky)),
		"basic 2": base64.URLEncoding.EncodeToString([]byte("us:" + tricky + "more")), "basic 3": base64.StdEncoding.EncodeToString([]byte("use:" + tricky)),
	} {
		got, found := s.Mask(text)
		if !found || !strings.Contains(got, redact.Mark) || strings.Contains(got, "rd") {
			t.Errorf("%s: %q -> %q", name, text, got)
		}
		if content, found := content(s, text, false); !found || strings.Contains(content, "rd/") {
			t.Errorf("%s: content %q", name, content)
		}
	}
	for _, text := range []string{"", "password", tricky[:8], "cCZzcyJ3"} {
		if got, found := s.Mask(text); found || got != text {
			t.Errorf("%q -> %q", text, got)
		}
	}
	if got, found := redact.NewSecret("r", "").Mask("text"); found || got != "text" {
		t.Errorf("an empty secret makes %q", got)
	}
}

// content redacts a content of which only s is known.
func content(s *redact.Secret, text string, cut bool) (string, bool) {
	r, _ := redact.New(redact.Config{Key: []byte("k"), Disabled: redact.DefaultRules()})
	b := r.Body(redact.BodyConfig{ContentType: "text/plain", Secrets: func() []*redact.Secret { return []*redact.Secret{s} }})
	out := string(b.Close([]byte(text), cut))
	return out, b.HeldSecret()
}

func TestContentThatIsCutWithinASecret(t *testing.T) {
	s := redact.NewSecret("secret:v/n", "hunter2-hunter2")
	for text, want := range map[string]string{
		"see hunter2-hu":                  "see [redacted secret:v/n 10 HASH]",
		"see hunter2-hunter2":             "see [redacted secret:v/n 15 HASH]",
		"see hunter2-hunter2 hunter2-h":   "see [redacted secret:v/n 15 HASH] [redacted secret:v/n 9 HASH]",
		"see you":                         "see you",
		"see hunter2-hunter2 and hunters": "see [redacted secret:v/n 15 HASH] and hunters",
	} {
		if got, _ := content(s, text, true); hashes.ReplaceAllString(got, "HASH]") != hashes.ReplaceAllString(want, "HASH]") {
			t.Errorf("%q -> %q, want %q", text, got, want)
		}
	}
	if got, found := content(s, "see hunter2-hu", false); found {
		t.Errorf("a whole content: %q", got)
	}
}

func FuzzSecretIsGone(f *testing.F) {
	f.Add("value", "before", "after", 3)
	f.Add(tricky, "u:", "", 9)
	f.Fuzz(func(t *testing.T, value, before, after string, cut int) {
		const mark = "[redact 0123456789bf]" // the characters of a mark
		if value == "" || strings.Trim(value, mark) == "" {
			return
		}
		s := redact.NewSecret("r", value)
		text := before + value + after
		cut = max(0, min(cut, len(text)))
		got, _ := content(s, text[:cut], cut < len(text))
		if strings.Contains(got, value) {
			t.Errorf("%q cut at %d: %q still has %q", text, cut, got, value)
		}
	})
}
