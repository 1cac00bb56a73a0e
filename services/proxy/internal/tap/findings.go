package tap

import (
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/redact"
)

// maxFindings bounds what one record tells of its redactions. Beyond it values are
// replaced all the same.
const maxFindings = 1000

// finding is one value that was replaced.
type finding struct {
	part                   capturev1.Redaction_Part
	path, rule, kind, hash string
	length                 uint64
}

// finding notes what was replaced in a part of the record. It belongs to the
// goroutine that encodes the record.
func (r *Recording) finding(part capturev1.Redaction_Part) func(*redact.Finding) {
	return func(f *redact.Finding) { r.note(part, f) }
}

func (r *Recording) note(part capturev1.Redaction_Part, f *redact.Finding) {
	r.remember(f)
	if len(r.findings) < maxFindings {
		r.findings = append(r.findings, finding{part: part, path: f.Path, rule: f.Rule, kind: f.Type, hash: f.Hash, length: f.Length})
	}
}

// minValue is the length from which a value of the head is looked for in what the
// policy noted: a shorter one would be found in texts that have nothing to do with
// it.
const minValue = 6

// remember notes a value of the head: the policy may have written it down.
func (r *Recording) remember(f *redact.Finding) {
	sent, plain := f.Values()
	if len(plain) >= minValue {
		r.values = append(r.values, plain)
	}
	if sent != plain && len(sent) >= minValue {
		r.values = append(r.values, sent)
	}
}

// Know notes a secret that the policy read: it is kept out of the record wherever
// it stands from now on.
func (r *Recording) Know(secret *redact.Secret) {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.secrets = append(r.secrets, secret)
	r.mu.Unlock()
}

// known are the secrets that the policy has read by now.
func (r *Recording) known() []*redact.Secret {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.secrets
}
