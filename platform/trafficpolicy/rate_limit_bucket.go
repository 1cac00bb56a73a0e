package trafficpolicy

import (
	"crypto/sha256"
	"encoding/hex"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy/expr"
)

// maxBucket bounds what one client can make the counters remember.
const maxBucket = 1 << 10 // bytes

// bucketKey is one expression of bucket_key.
type bucketKey struct {
	program *expr.Program
	secret  bool // its values are counted by their digests
	url     bool // those are that hold a secret parameter
}

func (c *config) bucketKeys() []bucketKey {
	var keys []bucketKey
	for _, p := range c.get("bucket_key").programs {
		reads := p.Credentials()
		if reads&expr.ReadsVars != 0 {
			reads |= c.compiler.variables
		}
		keys = append(keys, bucketKey{program: p, secret: reads&expr.ReadsCredentials != 0, url: reads&expr.ReadsURL != 0})
	}
	return keys
}

// hides reports whether nobody but the policy may see the value: counters keep
// what they count, and lists of buckets show it.
func (k *bucketKey) hides(val ref.Val) bool {
	if k.secret || !k.url {
		return k.secret
	}
	s, ok := val.(types.String)
	if !ok {
		return true
	}
	query, replaced := redact.Query(string(s))
	return replaced || query != string(s) || redact.URL(string(s)) != string(s)
}

// bucket is one text for each distinct tuple of key values, and that by which it
// is counted: without secrets, and not too long.
func (r *Run) bucket(keys []bucketKey) (shown, counted string, err error) {
	var hidden [][2]int // parts of b
	b := r.scratch[:0]
	b = append(b, '[')
	for i := range keys {
		val, err := keys[i].program.Eval(&r.vars)
		if err != nil {
			return "", "", err
		}
		if i > 0 {
			b = append(b, ',')
		}
		from := len(b)
		b = expr.AppendCanonical(b, val)
		if keys[i].hides(val) {
			hidden = append(hidden, [2]int{from, len(b)})
		}
	}
	b = append(b, ']')
	r.scratch = b
	shown = short(b)
	if hidden == nil {
		return shown, shown, nil
	}
	out, at := []byte(nil), 0
	for _, part := range hidden {
		out = append(append(append(out, b[at:part[0]]...), '"'), digest(b[part[0]:part[1]])...)
		out, at = append(out, '"'), part[1]
	}
	return shown, short(append(out, b[at:]...)), nil
}

// short is the tuple, or its digest when that is shorter than it may be.
func short(bucket []byte) string {
	if len(bucket) > maxBucket {
		return digest(bucket)
	}
	return string(bucket)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
