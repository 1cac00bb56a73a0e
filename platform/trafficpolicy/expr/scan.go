package expr

import "strings"

// segment is a piece of a template's source.
type segment struct {
	text       string
	offset     int // of text in the source, in bytes
	expression bool
}

// scan splits a template at its ${ }. It knows CEL's string literals, comments
// and braces, so that a "}" inside an expression does not end it.
func scan(source string) ([]segment, *Fault) {
	var out []segment
	for pos := 0; pos < len(source); {
		i := strings.Index(source[pos:], "${")
		if i < 0 {
			out = append(out, segment{text: source[pos:], offset: pos})
			break
		}
		if i > 0 {
			out = append(out, segment{text: source[pos : pos+i], offset: pos})
		}
		start := pos + i + 2
		end, ok := closing(source, start)
		if !ok {
			return nil, &Fault{Offset: pos + i, Message: "the ${ is not closed", Hint: "close it with }; quotes and braces inside must balance"}
		}
		out = append(out, segment{text: unescapeQuotes(source[start:end]), offset: start, expression: true})
		pos = end + 1
	}
	return out, nil
}

// closing finds the } that ends the expression starting at i.
func closing(s string, i int) (int, bool) {
	for depth := 0; i < len(s); {
		switch c := s[i]; {
		case c == '{':
			depth++
			i++
		case c == '}' && depth == 0:
			return i, true
		case c == '}':
			depth--
			i++
		case c == '"' || c == '\'' || c == '\\' && i+1 < len(s) && s[i+1] == '"':
			end := stringEnd(s, i)
			if end < 0 {
				return 0, false
			}
			i = end
		case c == '/' && strings.HasPrefix(s[i:], "//"):
			nl := strings.IndexByte(s[i:], '\n')
			if nl < 0 {
				return 0, false
			}
			i += nl
		default:
			i++
		}
	}
	return 0, false
}

// stringEnd returns the index after the string literal that opens at i, or -1.
// A literal may open and close with \" (see unescapeQuotes).
func stringEnd(s string, i int) int {
	quote := s[i : i+1]
	switch {
	case s[i] == '\\':
		quote = `\"`
	case strings.HasPrefix(s[i:], strings.Repeat(quote, 3)):
		quote = strings.Repeat(quote, 3)
	}
	raw := quote != `\"` && isRaw(s, i)
	for i += len(quote); i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote)
		case s[i] == '\\' && !raw:
			i += 2
		default:
			i++
		}
	}
	return -1
}

// isRaw reports whether the literal at i has an r prefix, as in r"\d" or br'x'.
func isRaw(s string, i int) bool {
	for j := i - 1; j >= 0 && j >= i-2; j-- {
		switch s[j] {
		case 'r', 'R':
			return j == 0 || !isNameByte(s[j-1]) || s[j-1] == 'b' || s[j-1] == 'B'
		case 'b', 'B':
		default:
			return false
		}
	}
	return false
}

func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// unescapeQuotes turns \" outside of string literals into ": a single-quoted YAML
// string keeps the backslashes of '${req.headers[\"x\"]}'.
func unescapeQuotes(s string) string {
	if !strings.Contains(s, `\"`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], `\"`):
			end := stringEnd(s, i)
			if end < 0 {
				b.WriteString(s[i:])
				return b.String()
			}
			b.WriteString(`"` + s[i+2:end-2] + `"`)
			i = end
		case s[i] == '"' || s[i] == '\'':
			end := stringEnd(s, i)
			if end < 0 {
				end = len(s)
			}
			b.WriteString(s[i:end])
			i = end
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

// templateIn returns where an expression holds ${ outside of string literals, or
// -1.
func templateIn(s string) int {
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "${"):
			return i
		case s[i] == '"' || s[i] == '\'':
			end := stringEnd(s, i)
			if end < 0 {
				return -1
			}
			i = end
		default:
			i++
		}
	}
	return -1
}
