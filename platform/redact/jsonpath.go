package redact

import (
	"fmt"
	"strconv"
	"strings"
)

// jsonPath is a JSONPath (RFC 9535) of names, indexes and wildcards: $.a.b,
// $..token, $.cards[*].number, $['odd name'][0].
type jsonPath struct{ steps []pathStep }

type pathStep struct {
	name  string // of a member
	index int    // of an element, when name is empty; -1: any member or element
	any   bool
	deep  bool // at any depth below
}

// place is where a value stands: a member of an object or an element of an array.
type place struct {
	name  string
	index int // -1 for a member
}

func parseJSONPath(text string) (*jsonPath, error) {
	rest, found := strings.CutPrefix(text, "$")
	if !found {
		return nil, fmt.Errorf("a JSON path begins with $, such as $.user.password")
	}
	p := &jsonPath{}
	for rest != "" {
		step, after, err := parseStep(rest)
		if err != nil {
			return nil, fmt.Errorf("at %q: %w", rest, err)
		}
		p.steps, rest = append(p.steps, step), after
	}
	if len(p.steps) == 0 {
		return nil, fmt.Errorf("the path names the whole document; name a member, such as $.password or $..password")
	}
	return p, nil
}

func parseStep(text string) (step pathStep, rest string, err error) {
	if text, step.deep = strings.CutPrefix(text, ".."); step.deep && !strings.HasPrefix(text, "[") {
		text = "." + text
	}
	switch {
	case strings.HasPrefix(text, "."):
		end := strings.IndexAny(text[1:], ".[")
		if end < 0 {
			end = len(text) - 1
		}
		step.name, rest = text[1:1+end], text[1+end:]
		if step.name == "" {
			return step, "", fmt.Errorf("a name is missing after the dot")
		}
		if step.name == "*" {
			step.name, step.any = "", true
		}
		return step, rest, nil
	case strings.HasPrefix(text, "["):
		err = step.bracket(text, &rest)
		return step, rest, err
	}
	return step, "", fmt.Errorf("expected . or [")
}

// bracket reads ['name'], ["name"], [0] or [*].
func (s *pathStep) bracket(text string, rest *string) error {
	if len(text) > 1 && (text[1] == '\'' || text[1] == '"') {
		end := strings.IndexByte(text[2:], text[1])
		if end < 0 || !strings.HasPrefix(text[2+end+1:], "]") {
			return fmt.Errorf("the quoted name does not end with %c]", text[1])
		}
		s.name, *rest = text[2:2+end], text[2+end+2:]
		return nil
	}
	end := strings.IndexByte(text, ']')
	if end < 0 {
		return fmt.Errorf("the bracket is not closed")
	}
	*rest = text[end+1:]
	if text[1:end] == "*" {
		s.any = true
		return nil
	}
	n, err := strconv.Atoi(text[1:end])
	if err != nil || n < 0 {
		return fmt.Errorf("%q is no index: write a number, * or a quoted name", text[1:end])
	}
	s.index = n
	return nil
}

func (s *pathStep) takes(p place) bool {
	switch {
	case s.any:
		return true
	case s.name != "":
		return p.index < 0 && p.name == s.name
	}
	return p.index == s.index
}

// matches reports whether the path names the value at a place.
func (p *jsonPath) matches(at []place) bool { return matchSteps(p.steps, at) }

func matchSteps(steps []pathStep, at []place) bool {
	if len(steps) == 0 {
		return len(at) == 0
	}
	if len(at) == 0 {
		return false
	}
	if steps[0].takes(at[0]) && matchSteps(steps[1:], at[1:]) {
		return true
	}
	return steps[0].deep && matchSteps(steps, at[1:])
}

// format writes a place as a JSON path.
func format(at []place) string {
	var b strings.Builder
	b.WriteByte('$')
	for _, p := range at {
		switch {
		case p.index >= 0:
			b.WriteString("[" + strconv.Itoa(p.index) + "]")
		case plainName(p.name):
			b.WriteString("." + p.name)
		default:
			b.WriteString("['" + p.name + "']")
		}
	}
	return b.String()
}

func plainName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !classURL[c] && c < 0x80 || c == '-' {
			return false
		}
	}
	return s != ""
}
