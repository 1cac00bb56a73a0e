package sealed

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const keyBytes = 32

// maxFile bounds a key file in bytes.
const maxFile = 64 << 10

var keyID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,32}$`)

// key is one line of the file.
type key struct {
	id     string
	secret []byte
}

// parse reads a key file. Its errors say which line is wrong and hold no key.
func parse(raw []byte) ([]key, error) {
	if len(raw) > maxFile {
		return nil, fmt.Errorf("longer than %d bytes: this is no key file", maxFile)
	}
	var keys []key
	seen := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, text, found := strings.Cut(line, ":")
		secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		switch {
		case !found || !keyID.MatchString(id):
			return nil, fmt.Errorf("line %d is not id:base64; the id has 1 to 32 of a-z A-Z 0-9 _ . and -", n)
		case err != nil || len(secret) != keyBytes:
			return nil, fmt.Errorf("line %d: key %s is not %d bytes in base64", n, id, keyBytes)
		case seen[id] > 0:
			return nil, fmt.Errorf("line %d: key %s is in line %d already", n, id, seen[id])
		}
		seen[id] = n
		keys = append(keys, key{id, secret})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return keys, nil
}

// newKey is a line with a fresh key, named by the day and a random part.
func newKey(now time.Time) (id, line string) {
	secret := make([]byte, keyBytes)
	rand.Read(secret) // never fails, see its documentation
	id = now.UTC().Format("20060102") + "-" + strings.ToLower(rand.Text()[:6])
	return id, id + ":" + base64.StdEncoding.EncodeToString(secret) + "\n"
}

// Create writes a file with one new key, unless path exists. Only its owner may
// read it.
func Create(path string) error {
	_, line := newKey(time.Now())
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err == nil {
		_, err = f.WriteString(line)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("make the secrets key file: %w", err)
	}
	return nil
}

// AddKey puts a new key in front of those in the file at path, which it makes if
// there is none, and returns the key's id. The file is replaced whole.
func AddKey(path string) (id string, err error) {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the secrets key file: %w", err)
	}
	if err == nil {
		if _, err := parse(old); err != nil {
			return "", fmt.Errorf("secrets key file %s: %w", path, err)
		}
	}
	id, line := newKey(time.Now())
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secrets-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("write the secrets key file: %w", err)
	}
	defer os.Remove(tmp.Name()) // does nothing after the rename
	_, err = tmp.Write(append([]byte(line), old...))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return "", fmt.Errorf("write the secrets key file: %w", err)
	}
	return id, nil
}
