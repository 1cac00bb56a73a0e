package redact

import "bytes"

// SecretName reports whether a parameter, member or variable of this name holds a
// secret, such as client_secret or X-Amz-Signature. It is what [Query] goes by.
func SecretName(name string) bool { return isSecretName(name) }

// endings are the last two letters of the names that isSecretName knows, as bits
// by letter.
var endings = func() (t [26]uint32) {
	note := func(name string) {
		n := len(name)
		if a, z := name[n-2], name[n-1]; 'a' <= a && a <= 'z' && 'a' <= z && z <= 'z' {
			t[z-'a'] |= 1 << (a - 'a')
		}
	}
	for name := range secretParameters {
		note(name)
	}
	for _, name := range secretEndings {
		note(name)
	}
	return t
}()

// endsLikeSecret is a quick look at a name: false means that isSecretName is false
// too.
func endsLikeSecret[T string | []byte](name T) bool {
	var last [2]byte
	n := 0
	for i := len(name) - 1; i >= 0 && n < 2; i-- {
		switch c := name[i] | 0x20; {
		case 'a' <= c && c <= 'z':
			last[n] = c - 'a'
			n++
		case '0' <= name[i] && name[i] <= '9':
			return false // none ends with a digit
		case name[i] == '%' || name[i] == '\\':
			return true
		}
	}
	return n == 2 && endings[last[0]]&(1<<last[1]) != 0
}

// mayNameSecret is a quick look at JSON: false means that no member has the name of
// a secret. Every member's name stands before a colon.
func mayNameSecret(p []byte, strict bool) bool {
	for at := 0; ; {
		i := bytes.IndexByte(p[at:], ':')
		if i < 0 {
			return false
		}
		end := at + i
		at = end + 1
		for end > 0 && (p[end-1] == ' ' || p[end-1] == '\t' || p[end-1] == '\n' || p[end-1] == '\r') {
			end--
		}
		if end == 0 {
			continue
		}
		var name []byte
		if p[end-1] == '"' {
			if !endsLikeSecret(p[max(0, end-257) : end-1]) { // or another name before
				continue
			}
			start := bytes.LastIndexByte(p[max(0, end-257):end-1], '"')
			name = p[max(0, end-257)+start+1 : end-1]
		} else if strict {
			start := end
			for start > 0 && end-start < 64 && (classURL[p[start-1]] || p[start-1] == '.') {
				start--
			}
			name = p[start:end]
		}
		var buffer [64]byte
		if endsLikeSecret(name) && isSecretWord(lettersOf(buffer[:0], name)) {
			return true
		}
	}
}
