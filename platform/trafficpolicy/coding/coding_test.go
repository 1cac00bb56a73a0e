package coding_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"sluice.dev/platform/trafficpolicy/coding"
)

var all = []string{coding.Gzip, coding.Deflate, coding.Brotli, coding.Zstd}

func TestNegotiate(t *testing.T) {
	tests := []struct {
		accept, want string
	}{
		{"", ""},
		{"gzip", "gzip"},
		{"br, gzip", "gzip"}, // equal: ours comes first
		{"gzip;q=0.5, br;q=0.8", "br"},
		{"GZIP ; Q=0.5", "gzip"},
		{"x-gzip", "gzip"},
		{"*", "gzip"},
		{"*;q=0.5, gzip;q=0", "deflate"},
		{"gzip;q=0, deflate;q=0, br;q=0, zstd;q=0, *", ""},
		{"identity", ""},
		{"identity, gzip;q=0.5", ""},
		{"identity;q=0.5, gzip", "gzip"},
		{"identity;q=0, zstd", "zstd"},
		{"gzip;q=x", ""},
		{"gzip;q=2", ""},
		{"gzip;q=NaN", ""},
		{"lzma, ,;q=1", ""},
	}
	for _, tt := range tests {
		if got := coding.Negotiate(tt.accept, all); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.accept, got, tt.want)
		}
	}
}

func content(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString([]string{"alpha ", "beta ", "gamma ", "\x00\xff", "delta\n"}[r.IntN(5)])
	}
	return b.Bytes()[:n]
}

func TestEncodeAndDecode(t *testing.T) {
	for _, name := range all {
		for _, size := range []int{0, 1, 5000, 300_000} {
			for _, flush := range []bool{false, true} {
				want := content(size)
				body, err := coding.Encode(io.NopCloser(iotest.HalfReader(bytes.NewReader(want))), name, flush)
				if err != nil {
					t.Fatal(err)
				}
				encoded, err := io.ReadAll(iotest.OneByteReader(body))
				if err != nil {
					t.Fatal(name, size, err)
				}
				if in, out := body.Sizes(); in != int64(size) || out != int64(len(encoded)) {
					t.Errorf("%s %d: sizes %d %d", name, size, in, out)
				}
				if size > 1000 && len(encoded) > size/2 {
					t.Errorf("%s: %d bytes became %d", name, size, len(encoded))
				}
				got, err := coding.Decode(bytes.NewReader(encoded), strings.ToUpper(name), size)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s %d flush %v: decoded %d bytes, %v", name, size, flush, len(got), err)
				}
				if err := body.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// pieces gives one piece for each read, and waits to be told of the next.
type pieces chan string

func (p pieces) Read(b []byte) (int, error) {
	s, ok := <-p
	if !ok {
		return 0, io.EOF
	}
	return copy(b, s), nil
}
func (pieces) Close() error { return nil }

// begun decodes what there is of a content that goes on.
func begun(t *testing.T, name string, encoded []byte) string {
	t.Helper()
	var r io.Reader
	var err error
	switch source := bytes.NewReader(encoded); name {
	case coding.Gzip:
		r, err = gzip.NewReader(source)
	case coding.Deflate:
		r, err = zlib.NewReader(source)
	case coding.Brotli:
		r = brotli.NewReader(source)
	default:
		r, err = zstd.NewReader(source, zstd.WithDecoderConcurrency(1))
	}
	if err != nil {
		t.Fatal(name, err)
	}
	got, err := io.ReadAll(r)
	if err == nil {
		t.Errorf("%s: complete before its end", name)
	}
	return string(got)
}

// TestFlushedPiecesArrive: each can be decoded before the next one exists.
func TestFlushedPiecesArrive(t *testing.T) {
	for _, name := range all {
		source := make(pieces, 1)
		body, err := coding.Encode(source, name, true)
		if err != nil {
			t.Fatal(err)
		}
		var encoded []byte
		buffer := make([]byte, 1<<16)
		sent := ""
		for _, piece := range []string{"one", "two", "three"} {
			source <- piece
			sent += piece
			n, err := body.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			encoded = append(encoded, buffer[:n]...)
			if got := begun(t, name, encoded); got != sent {
				t.Errorf("%s: %q arrived of %q", name, got, sent)
			}
		}
		close(source)
		rest, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := coding.Decode(bytes.NewReader(append(encoded, rest...)), name, 100); err != nil || string(got) != "onetwothree" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestBrokenSourceStaysBroken(t *testing.T) {
	broken := errors.New("broken")
	for _, name := range all {
		body, err := coding.Encode(io.NopCloser(io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken))), name, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(body); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := coding.Encode(nil, "compress", false); !errors.Is(err, coding.ErrUnknown) {
		t.Error(err)
	}
}

func TestDecode(t *testing.T) {
	var raw bytes.Buffer
	w, err := flate.NewWriter(&raw, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "text"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	encode := func(text, name string) string {
		body, err := coding.Encode(io.NopCloser(strings.NewReader(text)), name, false)
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	bomb := encode(strings.Repeat("\x00", 50<<20), coding.Brotli)
	tests := []struct {
		name, content, codings, want string
		fault                        error
	}{
		{"none", "text", "", "text", nil},
		{"identity", "text", "identity", "text", nil},
		{"deflate without zlib", raw.String(), "deflate", "text", nil},
		{"two", encode(encode("text", "gzip"), "br"), "gzip, br", "text", nil},
		{"unknown", "text", "compress", "", coding.ErrUnknown},
		{"many", "text", "br,br,br,br", "", coding.ErrUnknown},
		{"bomb", bomb, "br", "", coding.ErrTooLarge},
		{"truncated", encode("some text", "gzip")[:20], "gzip", "", io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		got, err := coding.Decode(strings.NewReader(tt.content), tt.codings, 1000)
		if string(got) != tt.want || !errors.Is(err, tt.fault) {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range all {
		body, err := coding.Encode(io.NopCloser(strings.NewReader("some text")), name, false)
		if err != nil {
			f.Fatal(err)
		}
		encoded, err := io.ReadAll(body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded, name)
	}
	f.Fuzz(func(t *testing.T, data []byte, codings string) {
		if got, err := coding.Decode(bytes.NewReader(data), codings, 1000); err == nil && len(got) > 1000 {
			t.Errorf("%d bytes", len(got))
		}
	})
}
