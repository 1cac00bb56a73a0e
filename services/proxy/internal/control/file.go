package control

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/sealed"
)

// A snapshot file begins with fileMagic. A SHA-256 of the rest follows: the length
// of the sealed secrets (4 bytes, big endian), those, and the snapshot without
// secrets. Files of the first version have no secrets and no length.
const (
	fileMagic      = "sluice-snapshot-2\n"
	firstFileMagic = "sluice-snapshot-1\n"
)

// Why a configuration from disk has no secrets.
const (
	notKept  = "this proxy has no key file to keep secrets on disk with, and the policy service has not answered since it started"
	noOpener = "the secrets kept on disk cannot be decrypted, and the policy service has not answered since this proxy started"
)

// sealPlace binds the sealed secrets to their use.
var sealPlace = []byte("proxy snapshot")

// errDamaged: the file is not what was written.
var errDamaged = errors.New("the snapshot file is damaged")

// file is where the last good configuration is kept. Secrets are sealed with keys,
// or left out when there are none (nil).
type file struct {
	path string
	keys *sealed.Ring
}

// save writes snap whole or not at all. Only the owner may read the file.
func (f file) save(snap *policyv1.Snapshot) error {
	body, err := f.encode(snap)
	if err != nil {
		return fmt.Errorf("encode the snapshot: %w", err)
	}
	sum := sha256.Sum256(body)
	tmp, err := os.CreateTemp(filepath.Dir(f.path), ".snapshot-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	defer os.Remove(tmp.Name()) // does nothing after the rename
	_, err = tmp.Write(append(append([]byte(fileMagic), sum[:]...), body...))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	return nil
}

// encode takes the secrets out of snap and seals them. Keys that cannot be used
// cost the secrets, not the rest.
func (f file) encode(snap *policyv1.Snapshot) ([]byte, error) {
	var hidden []byte
	open := &policyv1.Snapshot{
		Revision: snap.GetRevision(), Endpoints: snap.GetEndpoints(), Capture: snap.GetCapture(), ReplayKey: snap.GetReplayKey(),
		SecretsUnavailable: snap.GetSecretsUnavailable(),
	}
	if len(snap.GetSecrets()) > 0 {
		plain, err := proto.Marshal(&policyv1.Snapshot{Secrets: snap.GetSecrets()})
		if err != nil {
			return nil, err
		}
		if hidden, err = f.keys.Seal(plain, sealPlace); err != nil {
			hidden, open.SecretsUnavailable = nil, notKept
		}
	}
	rest, err := proto.Marshal(open)
	if err != nil {
		return nil, err
	}
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(hidden))), hidden...), rest...), nil // #nosec G115 -- a message is smaller than 4 GiB
}

// load reads what save wrote; nil when there is no file.
func (f file) load() (*policyv1.Snapshot, error) {
	raw, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no file is no failure
	}
	if err != nil {
		return nil, fmt.Errorf("read the snapshot: %w", err)
	}
	rest, current := bytes.CutPrefix(raw, []byte(fileMagic))
	old := false
	if !current {
		rest, old = bytes.CutPrefix(raw, []byte(firstFileMagic))
	}
	if !current && !old || len(rest) < sha256.Size {
		return nil, fmt.Errorf("%w: %s", errDamaged, f.path)
	}
	body := rest[sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, fmt.Errorf("%w: %s: the checksum differs", errDamaged, f.path)
	}
	if old {
		body = append(make([]byte, 4), body...)
	}
	snap, err := f.decode(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, f.path, err)
	}
	return snap, nil
}

// decode is the inverse of encode.
func (f file) decode(body []byte) (*policyv1.Snapshot, error) {
	if len(body) < 4 || uint64(len(body)-4) < uint64(binary.BigEndian.Uint32(body)) {
		return nil, errors.New("it ends too early")
	}
	end := 4 + int(binary.BigEndian.Uint32(body))
	snap, hidden := &policyv1.Snapshot{}, &policyv1.Snapshot{}
	if err := proto.Unmarshal(body[end:], snap); err != nil {
		return nil, err
	}
	if end == 4 {
		return snap, nil
	}
	plain, err := f.keys.Open(body[4:end], sealPlace)
	if err == nil {
		err = proto.Unmarshal(plain, hidden)
	}
	if snap.Secrets = hidden.GetSecrets(); err != nil {
		snap.Secrets, snap.SecretsUnavailable = nil, noOpener
	}
	return snap, nil
}
