package search

import "strings"

// A parameter of the query string is looked up the same way here and in
// ClickHouse: pairs split at "&", decoded as a form; an escape that is no
// escape stays as it is, and a pair without "=" has the empty value. net/url is
// not used because it drops the pairs it dislikes.

// paramsSQL is the array of the values of the parameter that the placeholder
// names. decodeURLFormComponent leaves broken escapes alone.
func paramsSQL(column, placeholder string) string {
	return "arrayMap(x -> decodeURLFormComponent(if(position(x, '=') = 0, '', substring(x, position(x, '=') + 1))), " +
		"arrayFilter(x -> decodeURLFormComponent(splitByChar('=', x)[1]) = " + placeholder + ", splitByChar('&', " + column + ")))"
}

func params(query, name string) []string {
	var values []string
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if decodeForm(key) == name {
			values = append(values, decodeForm(value))
		}
	}
	return values
}

func decodeForm(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			out = append(out, ' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
