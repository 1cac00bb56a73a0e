package redact_test

import (
	"strings"
	"testing"

	"sluice.dev/platform/redact"
)

var plainJSON = `{"id":"3f1c6c8e-7a55-4b0d-9d7e-0d1f3c1f0a77","name":"Widget","created_at":"2026-01-02T03:04:05Z","price":1299,"tags":["a","b"],` +
	`"description":"` + strings.Repeat("A plain text about nothing in particular. ", 16) + `","stock":{"count":12,"reserved":3,"warehouse":"zrh-1"},"links":[{"rel":"self","href":"/api/products/17"}]}`

func benchBody(b *testing.B, media, text string) {
	r, _ := redact.New(redact.Config{Key: redact.Key([]byte("shared"))})
	p := []byte(text)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		r.Body(redact.BodyConfig{ContentType: media}).Close(p, false)
	}
}

func BenchmarkPlainJSON(b *testing.B) { benchBody(b, "application/json", plainJSON) }
func BenchmarkPlainText(b *testing.B) {
	benchBody(b, "text/plain", strings.Repeat("Nothing to see here, go on. ", 37))
}
func BenchmarkCleanJSON(b *testing.B) {
	r, _ := redact.New(redact.Config{Key: redact.Key([]byte("shared"))})
	p := []byte(plainJSON)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if !r.Clean("application/json", p, false) {
			b.Fatal("it is not")
		}
	}
}

func BenchmarkSecretJSON(b *testing.B) {
	benchBody(b, "application/json", strings.Replace(plainJSON, `"name"`, `"password"`, 1))
}
func BenchmarkForm(b *testing.B) {
	benchBody(b, "application/x-www-form-urlencoded", strings.Repeat("name=value&", 90)+"password=x")
}

func BenchmarkRecordedHeaders(b *testing.B) {
	r, _ := redact.New(redact.Config{Key: redact.Key([]byte("shared"))})
	found := func(*redact.Finding) {}
	b.ReportAllocs()
	for b.Loop() {
		r.Header("Content-Type", "application/json", nil, found)
		r.Header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0", nil, found)
		r.Header("Authorization", "Bearer secret", nil, found)
	}
}
