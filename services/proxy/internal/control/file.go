package control

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// fileMagic begins a snapshot file; a SHA-256 of the rest follows.
const fileMagic = "sluice-snapshot-1\n"

// errDamaged: the file is not what was written.
var errDamaged = errors.New("the snapshot file is damaged")

// save writes snap to path, whole or not at all. The file holds secrets: only its
// owner may read it.
func save(path string, snap *policyv1.Snapshot) error {
	body, err := proto.Marshal(snap)
	if err != nil {
		return fmt.Errorf("encode the snapshot: %w", err)
	}
	sum := sha256.Sum256(body)
	tmp, err := os.CreateTemp(filepath.Dir(path), ".snapshot-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	defer os.Remove(tmp.Name()) // does nothing after the rename
	_, err = tmp.Write(append(append([]byte(fileMagic), sum[:]...), body...))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	return nil
}

// load reads what save wrote; nil when there is no file.
func load(path string) (*policyv1.Snapshot, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no file is no failure
	}
	if err != nil {
		return nil, fmt.Errorf("read the snapshot: %w", err)
	}
	rest, ok := bytes.CutPrefix(raw, []byte(fileMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, fmt.Errorf("%w: %s", errDamaged, path)
	}
	if sum := sha256.Sum256(rest[sha256.Size:]); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, fmt.Errorf("%w: %s: the checksum differs", errDamaged, path)
	}
	snap := &policyv1.Snapshot{}
	if err := proto.Unmarshal(rest[sha256.Size:], snap); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, path, err)
	}
	return snap, nil
}
