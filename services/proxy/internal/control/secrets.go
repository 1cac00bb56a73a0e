package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/redact"
)

// Secret is a value that policies read.
type Secret struct {
	Value string
	// Mask takes the value out of records.
	Mask *redact.Secret

	doc *policyv1.SecretValue
}

// secretName is how policies name a secret.
type secretName struct{ vault, name string }

// secrets are all values that policies read. They are never changed: a new set
// takes their place.
type secrets struct {
	byID        map[string]*Secret
	byName      map[secretName]*Secret
	unavailable string // why some may be missing; empty when none are
}

// newSecrets makes the set of docs and takes over from old what is the same.
func newSecrets(docs []*policyv1.SecretValue, unavailable string, old *secrets) *secrets {
	s := &secrets{byID: make(map[string]*Secret, len(docs)), byName: make(map[secretName]*Secret, len(docs)), unavailable: unavailable}
	for _, doc := range docs {
		var one *Secret
		if old != nil {
			one = old.byID[doc.GetId()]
		}
		if one == nil || !proto.Equal(one.doc, doc) {
			one = &Secret{Value: doc.GetValue(), Mask: redact.NewSecret("secret:"+doc.GetVault()+"/"+doc.GetName(), doc.GetValue()), doc: doc}
		}
		s.byID[doc.GetId()] = one
		s.byName[secretName{doc.GetVault(), doc.GetName()}] = one
	}
	return s
}

// apply is the set after a change.
func (s *secrets) apply(d *policyv1.Delta) *secrets {
	if len(d.GetChangedSecrets())+len(d.GetDeletedSecretIds()) == 0 {
		return s
	}
	docs := make(map[string]*policyv1.SecretValue, len(s.byID)+1)
	for id, one := range s.byID {
		docs[id] = one.doc
	}
	for _, id := range d.GetDeletedSecretIds() {
		delete(docs, id)
	}
	for _, doc := range d.GetChangedSecrets() {
		docs[doc.GetId()] = doc
	}
	return newSecrets(slices.Collect(maps.Values(docs)), s.unavailable, s)
}

// docs are the secrets as they came, in order of id.
func (s *secrets) docs() []*policyv1.SecretValue {
	out := make([]*policyv1.SecretValue, 0, len(s.byID))
	for _, one := range s.byID {
		out = append(out, one.doc)
	}
	slices.SortFunc(out, func(a, b *policyv1.SecretValue) int { return strings.Compare(a.GetId(), b.GetId()) })
	return out
}

// Secret finds what a policy reads. The error says why there is nothing.
func (st *State) Secret(vault, name string) (*Secret, error) {
	if one, ok := st.secrets.byName[secretName{vault, name}]; ok {
		return one, nil
	}
	if st.secrets.unavailable != "" {
		return nil, fmt.Errorf("the secret is not available: %s", st.secrets.unavailable)
	}
	return nil, fmt.Errorf("there is no secret %q in a vault %q", name, vault)
}
