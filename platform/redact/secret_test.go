package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"sluice.dev/platform/redact"
)

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
		if content, found := s.MaskContent([]byte(text), false); !found || string(content) != got {
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

func TestContentThatIsCutWithinASecret(t *testing.T) {
	s := redact.NewSecret("secret:v/n", "hunter2-hunter2")
	for content, want := range map[string]string{
		"see hunter2-hu":                  "see " + redact.Mark,
		"see hunter2-hunter2":             "see " + redact.Mark,
		"see hunter2-hunter2 hunter2-h":   "see " + redact.Mark + " " + redact.Mark,
		"see you":                         "see you",
		"see hunter2-hunter2 and hunters": "see " + redact.Mark + " and hunters",
	} {
		if got, _ := s.MaskContent([]byte(content), true); string(got) != want {
			t.Errorf("%q -> %q, want %q", content, got, want)
		}
	}
	if got, found := s.MaskContent([]byte("see hunter2-hu"), false); found {
		t.Errorf("a whole content: %q", got)
	}
}

func FuzzSecretIsGone(f *testing.F) {
	f.Add("value", "before", "after", 3)
	f.Add(tricky, "u:", "", 9)
	f.Fuzz(func(t *testing.T, value, before, after string, cut int) {
		if mark := redact.Mark; value == "" || strings.Contains(mark, value) {
			return
		}
		s := redact.NewSecret("r", value)
		content := before + value + after
		cut = max(0, min(cut, len(content)))
		got, _ := s.MaskContent([]byte(content[:cut]), cut < len(content))
		if strings.Contains(string(got), value) && !strings.Contains(strings.ReplaceAll(content, value, redact.Mark), value) {
			t.Errorf("%q cut at %d: %q still has %q", content, cut, got, value)
		}
	})
}
