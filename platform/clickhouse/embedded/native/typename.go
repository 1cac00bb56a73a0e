package native

import (
	"fmt"
	"strings"

	"sluice.dev/platform/clickhouse/internal/sqltext"
)

// splitType cuts "Map(String, UInt8)" into "Map" and its arguments.
func splitType(name string) (base string, args []string, err error) {
	open := strings.IndexByte(name, '(')
	if open < 0 {
		return name, nil, nil
	}
	if !strings.HasSuffix(name, ")") {
		return "", nil, fmt.Errorf("the column type %q has no closing parenthesis", name)
	}
	base, rest := name[:open], name[open+1:len(name)-1]
	for {
		comma := topLevel(rest, ',')
		if comma < 0 {
			return base, append(args, strings.TrimSpace(rest)), nil
		}
		args = append(args, strings.TrimSpace(rest[:comma]))
		rest = rest[comma+1:]
	}
}

// topLevel finds the first mark outside parentheses and quotes, or -1.
func topLevel(s string, mark byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'' || c == '`' || c == '"':
			i = sqltext.SkipQuoted(s, i) - 1
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == mark && depth == 0:
			return i
		}
	}
	return -1
}
