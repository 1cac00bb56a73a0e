package routes

import (
	"slices"
	"strings"
)

// maxLiteral is the longest segment, in bytes, that can be a name.
const maxLiteral = 64

// isIdentifier reports whether a segment tells one thing from others of its kind: a
// number, a date, a UUID, ULID or hash, a token, an address, or such with a word in
// front, as ord_8Zk2. It goes by the look alone. Words, versions such as v1beta2 and
// names with a digit such as oauth2 are not.
func isIdentifier(text string) bool {
	if text == "" {
		return false
	}
	if len(text) > maxLiteral {
		return true
	}
	s := shapeOf(text)
	switch {
	case s.odd:
		return true
	case s.digits == 0:
		return s.length >= 16 && !s.other && s.separators == 0 && s.upper >= 4 && s.lower >= 4 && s.dense(18) || isEmail(text)
	case isVersion(text):
		return false
	case strings.Trim(text, "+-0123456789") == "" && s.separators < 2, isEmail(text), isDate(text, s):
		return true
	case !s.other && s.separators == 0:
		return isToken(s, text)
	}
	return isUUID(text) || hasIdentifierEnd(text) || allIdentifiers(text)
}

// isToken is about letters and digits only.
func isToken(s shape, text string) bool {
	letters := s.upper + s.lower
	switch {
	case s.hex && s.length >= 8:
		return true
	case s.length == 26 && isCrockford(text): // ULID
		return true
	case s.length >= 20 && s.digits >= 3 && s.runs >= 6:
		return true
	case s.length >= 8 && letters > 0 && s.dense(22):
		return true
	case s.length >= 6 && s.digits >= 2 && s.runs >= 4:
		return true
	}
	return false
}

// hasIdentifierEnd finds ord_8Zk2, user-81234, my-article-9f8e7d6c and cus:81234.
func hasIdentifierEnd(text string) bool {
	i := strings.LastIndexAny(text, "_-:")
	if i <= 0 || i == len(text)-1 {
		return false
	}
	end := text[i+1:]
	s := shapeOf(end)
	switch {
	case s.digits == s.length:
		return s.length >= 4
	case s.other || s.odd:
		return false
	case s.digits > 0 && s.upper > 0 && s.lower > 0 && s.length >= 4 && s.dense(15):
		return true
	}
	return s.digits > 0 && !isVersion(end) && isToken(s, end)
}

// allIdentifiers finds lists such as 12,15 and tokens in parts, such as those of JWT.
func allIdentifiers(text string) bool {
	separator := strings.IndexAny(text, ",;.+=~|")
	if separator < 0 {
		return false
	}
	text = strings.TrimRight(text, "=")
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",;.+=~|", r) }) {
		if s := shapeOf(part); s.digits != s.length && !isIdentifier(part) {
			return false
		}
	}
	return true
}

// isVersion finds v1, v1.2, v2beta1 and the like.
func isVersion(text string) bool {
	rest, ok := strings.CutPrefix(text, "v")
	if !ok || rest == "" || rest[0] < '0' || rest[0] > '9' {
		return false
	}
	rest = strings.TrimLeft(rest, "0123456789.")
	for _, stage := range []string{"alpha", "beta", "rc", "p"} {
		rest = strings.TrimPrefix(rest, stage)
	}
	return strings.Trim(rest, "0123456789") == ""
}

// isDate finds dates, times and other runs of numbers, such as IP addresses.
func isDate(text string, s shape) bool {
	return s.digits >= 4 && strings.Trim(text, "0123456789-:.TZ+_") == "" && s.upper <= 2
}

func isEmail(text string) bool {
	name, domain, ok := strings.Cut(text, "@")
	return ok && name != "" && strings.Contains(domain, ".")
}

// isUUID finds the form of RFC 9562, section 4.
func isUUID(text string) bool {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return false
	}
	for _, part := range []string{text[:8], text[9:13], text[14:18], text[19:23], text[24:]} {
		if !shapeOf(part).hex {
			return false
		}
	}
	return true
}

// isCrockford reports whether text is in the alphabet of ULIDs.
func isCrockford(text string) bool { return !strings.ContainsAny(strings.ToUpper(text), "ILOU") }

// assets are endings of files that sites are made of.
var assets = []string{"js", "mjs", "css", "map", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "woff", "woff2", "ttf", "html", "htm", "wasm", "webmanifest"}

// segment is the template of one segment, and whether it has a parameter. The name
// of an asset stays as it is, unless the whole of it before the ending is an
// identifier; a custom method, as in 8412:activate, stays.
func segment(text string) (template string, isParameter bool) {
	if i := strings.LastIndexByte(text, '.'); i > 0 && isEnding(text[i+1:]) {
		if isWhole(text[:i]) {
			return parameter + text[i:], true
		}
		if slices.Contains(assets, text[i+1:]) && len(text) <= maxLiteral && !shapeOf(text).odd {
			return text, false
		}
	}
	if i := strings.LastIndexByte(text, ':'); i > 0 && isWord(text[i+1:]) && isIdentifier(text[:i]) {
		return parameter + text[i:], true
	}
	if isIdentifier(text) {
		return parameter, true
	}
	return text, false
}

// isWhole is isIdentifier without what has a word or another ending in front.
func isWhole(text string) bool {
	return !strings.ContainsAny(text, "._") && isIdentifier(text) && (isUUID(text) || !strings.Contains(text, "-"))
}

func isEnding(text string) bool {
	return len(text) >= 2 && len(text) <= 11 && text[0] >= 'a' && text[0] <= 'z' && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789") == "" && shapeOf(text).digits <= 1
}

func isWord(text string) bool {
	s := shapeOf(text)
	return text != "" && s.upper+s.lower == s.length && !s.odd
}
