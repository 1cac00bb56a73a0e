package sealed_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/sealed"
)

func ring(t testing.TB, path string) *sealed.Ring {
	t.Helper()
	r, err := sealed.Config{SecretsKeyFile: path}.Open()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func keyFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.key")
	if err := sealed.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSealAndOpen(t *testing.T) {
	path := keyFile(t)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	r := ring(t, path)
	one, err := r.Seal([]byte("hunter2"), []byte("here"))
	if err != nil {
		t.Fatal(err)
	}
	two, _ := r.Seal([]byte("hunter2"), []byte("here"))
	if bytes.Equal(one, two) || bytes.Contains(one, []byte("hunter2")) {
		t.Error("the same text is sealed the same way twice, or not at all")
	}
	if plain, err := r.Open(one, []byte("here")); err != nil || string(plain) != "hunter2" {
		t.Errorf("%q %v", plain, err)
	}
	if _, err := r.Open(one, []byte("elsewhere")); err == nil {
		t.Error("opened in another place")
	}
	for i := range one {
		changed := bytes.Clone(one)
		changed[i] ^= 1
		if _, err := r.Open(changed, []byte("here")); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
		if _, err := r.Open(one[:i], []byte("here")); err == nil {
			t.Errorf("opened with %d bytes", i)
		}
	}
}

func TestRotation(t *testing.T) {
	path := keyFile(t)
	r := ring(t, path)
	old, _ := r.Seal([]byte("old"), nil)
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealed.AddKey(path); err != nil {
		t.Fatal(err)
	}
	now, err := r.Seal([]byte("new"), nil) // the ring notices by itself
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{string(old): false, string(now): true} {
		if newest, err := r.Newest([]byte(text)); err != nil || newest != want {
			t.Errorf("newest %t %v, want %t", newest, err, want)
		}
	}
	other := ring(t, path) // as after a restart
	for text, want := range map[string]string{string(old): "old", string(now): "new"} {
		if plain, err := other.Open([]byte(text), nil); err != nil || string(plain) != want {
			t.Errorf("%q %v", plain, err)
		}
	}

	// A ring that has seen only the first key reads the file when it meets another.
	if err := os.WriteFile(path, first, 0o600); err != nil {
		t.Fatal(err)
	}
	behind := ring(t, path)
	if _, err := behind.Open(now, nil); !errs.Is(err, sealed.ReasonNoKey) || errs.As(err).Code != codes.Unavailable {
		t.Errorf("without the key: %v", err)
	}
	if _, err := sealed.AddKey(path); err != nil {
		t.Fatal(err)
	}
	if _, err := behind.Open(now, nil); !errs.Is(err, sealed.ReasonNoKey) {
		t.Errorf("with a third key: %v", err)
	}
}

func TestNoKeys(t *testing.T) {
	var none *sealed.Ring
	text, _ := ring(t, keyFile(t)).Seal([]byte("x"), nil)
	if _, err := none.Seal([]byte("x"), nil); !errs.Is(err, sealed.ReasonNoKey) || errs.As(err).Code != codes.FailedPrecondition {
		t.Errorf("Seal: %v", err)
	}
	if _, err := none.Open(text, nil); !errs.Is(err, sealed.ReasonNoKey) {
		t.Errorf("Open: %v", err)
	}
	if r, err := (sealed.Config{}).Open(); r != nil || err != nil {
		t.Errorf("%v %v", r, err)
	}
}

func TestFileThatGoesAwayLeavesTheKeysThatAreKnown(t *testing.T) {
	path := keyFile(t)
	r := ring(t, path)
	text, _ := r.Seal([]byte("x"), nil)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(text, nil); err != nil {
		t.Errorf("Open: %v", err)
	}
	if _, err := r.Seal([]byte("x"), nil); !errs.Is(err, sealed.ReasonNoKey) {
		t.Errorf("Seal: %v", err)
	}
}

func TestWrongFiles(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for content, want := range map[string]string{
		"":                               "there is no key",
		"# only this\n":                  "there is no key",
		"abc\n":                          "line 1 is not id:base64",
		"a:" + good + "\nb c:" + good:    "line 2 is not id:base64",
		"a:AAAA":                         "key a is not 32 bytes",
		"\na:" + good + "\na:" + good:    "line 3: key a is in line 2 already",
		"a:" + strings.Repeat("A", 1e5):  "longer than",
		"a:" + good[:len(good)-1] + "!=": "key a is not 32 bytes",
	} {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (sealed.Config{SecretsKeyFile: path}).Open(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%.30q: %v, want %q", content, err, want)
		}
	}
	if _, err := (sealed.Config{SecretsKeyFile: "/nowhere"}).Open(); err == nil {
		t.Error("a missing file is taken")
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(f, keyFile(f))
	good, _ := r.Seal([]byte("x"), nil)
	f.Add(good)
	f.Add([]byte{1, 255})
	f.Fuzz(func(t *testing.T, text []byte) {
		if plain, err := r.Open(text, nil); err == nil && !bytes.Equal(text, good) {
			t.Errorf("%q opened %q", plain, text)
		}
	})
}
