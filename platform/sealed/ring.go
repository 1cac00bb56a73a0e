package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
)

// ReasonNoKey says that a secret cannot be sealed or opened for want of a key.
const ReasonNoKey errs.Reason = "SECRETS_KEY_MISSING"

// Config names the key file.
type Config struct {
	SecretsKeyFile string `help:"File with the keys that encrypt stored secrets, newest first: a line id:base64 of 32 bytes each. Made by 'sluice secrets new-key'." type:"path" env:"SLUICE_SECRETS_KEY_FILE"`
}

// Ring is the keys of a file. It is safe for concurrent use. A nil Ring has no
// keys: all that it does is to say so.
type Ring struct {
	path string

	mu    sync.Mutex
	keys  []sealer // newest first
	read  stamp
	fault error // why the file as it is now cannot be used; nil when it can
}

// sealer is a key ready to use.
type sealer struct {
	id   string
	aead cipher.AEAD
}

// stamp tells one version of the file from another.
type stamp struct {
	size    int64
	changed time.Time
}

// Open reads the key file. Without a path it returns nil, the Ring without keys.
func (c Config) Open() (*Ring, error) {
	if c.SecretsKeyFile == "" {
		return nil, nil //nolint:nilnil // a nil Ring is of use
	}
	r := &Ring{path: c.SecretsKeyFile}
	r.refresh()
	if r.fault != nil {
		return nil, r.fault
	}
	return r, nil
}

// refresh reads the file again when it changed. A file that cannot be used leaves
// the keys that are known. It requires the lock, but for Open.
func (r *Ring) refresh() {
	info, err := os.Stat(r.path)
	if err != nil {
		r.fault = fmt.Errorf("secrets key file: %w", err)
		return
	}
	now := stamp{info.Size(), info.ModTime()}
	if now == r.read && r.fault == nil {
		return
	}
	raw, err := os.ReadFile(r.path)
	var keys []key
	if err == nil {
		keys, err = parse(raw)
	}
	if err != nil {
		r.fault = fmt.Errorf("secrets key file %s: %w", r.path, err)
		return
	}
	r.keys, r.read, r.fault = make([]sealer, len(keys)), now, nil
	for i, k := range keys {
		r.keys[i] = sealer{k.id, newAEAD(k.secret)}
	}
}

func newAEAD(secret []byte) cipher.AEAD {
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err) // the length was checked
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the block size is AES's
	}
	return aead
}

// newest is the key for what is sealed now.
func (r *Ring) newest() (sealer, error) {
	if r == nil {
		return sealer{}, errs.New(codes.FailedPrecondition, ReasonNoKey, "secrets cannot be stored: there is no key to encrypt them with; configure a key file (--secrets-key-file)")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refresh(); r.fault != nil {
		return sealer{}, errs.New(codes.FailedPrecondition, ReasonNoKey, "secrets cannot be stored: the key file cannot be used; the service's log has the details").Because(r.fault)
	}
	return r.keys[0], nil
}

// find is the key with an id; the file is read again if it is not known.
func (r *Ring) find(id string) (sealer, error) {
	if r == nil {
		return sealer{}, missing("secrets are unavailable: they are encrypted with the key %q and no key file is configured (--secrets-key-file)", id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for range 2 {
		for _, k := range r.keys {
			if k.id == id {
				return k, nil
			}
		}
		r.refresh()
	}
	return sealer{}, missing("secrets are unavailable: the key %q that encrypts them is not in the key file", id).Because(r.fault)
}

// missing can pass by itself: the file is read again.
func missing(format string, args ...any) *errs.Error {
	return errs.New(codes.Unavailable, ReasonNoKey, format, args...)
}

// version is the first byte of what Seal returns.
const version = 1

var errForm = errors.New("this is no sealed text")

// Seal encrypts plain with the newest key. Open has to name the same context: it
// binds a sealed text to its place.
func (r *Ring) Seal(plain, context []byte) ([]byte, error) {
	k, err := r.newest()
	if err != nil {
		return nil, err
	}
	head := append([]byte{version, byte(len(k.id))}, k.id...)
	return k.aead.Seal(head, nil, plain, context), nil
}

// Open returns what was sealed. It fails with [ReasonNoKey] without the key, and
// with another error when the text was changed or belongs elsewhere.
func (r *Ring) Open(text, context []byte) ([]byte, error) {
	id, body, err := split(text)
	if err != nil {
		return nil, err
	}
	k, err := r.find(id)
	if err != nil {
		return nil, err
	}
	plain, err := k.aead.Open(nil, nil, body, context)
	if err != nil {
		return nil, fmt.Errorf("a sealed text was changed, moved, or sealed with another key of the name %q: %w", id, err)
	}
	return plain, nil
}

// Newest reports whether text is sealed with the newest key.
func (r *Ring) Newest(text []byte) (bool, error) {
	id, _, err := split(text)
	if err != nil {
		return false, err
	}
	k, err := r.newest()
	return k.id == id, err
}

func split(text []byte) (id string, body []byte, err error) {
	if len(text) < 2 || text[0] != version || len(text) < 2+int(text[1]) {
		return "", nil, errForm
	}
	end := 2 + int(text[1])
	return string(text[2:end]), text[end:], nil
}
