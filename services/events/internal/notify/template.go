package notify

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/trafficpolicy/nearest"
)

// Limits of a message.
const (
	maxText  = 16 << 10 // bytes of a rendered message
	maxDepth = 16       // blocks within blocks
)

// Template is a monitor's message: text with {{variables}}, blocks such as
// {{#is_alert}}…{{else}}…{{/is_alert}}, and @handles of channels.
type Template struct{ nodes []node }

// node is one of text, variable, Handle, block.
type node any

type (
	text     string
	variable string
	block    struct {
		condition string
		negated   bool
		then, or  []node
	}
)

// Variables and conditions that a message may use.
var (
	variables  = []string{"value", "threshold", "ok_threshold", "comparator", "name", "description", "query", "state", "link"}
	conditions = []string{"is_alert", "is_recovery"}
)

// Values fill a message.
type Values struct {
	Variables  map[string]string
	Conditions map[string]bool
}

// Parse reads a message. The error has the line and column of each fault.
func Parse(message string) (*Template, error) {
	p := &parser{source: message}
	nodes, closer, err := p.sequence(0)
	if err != nil {
		return nil, err
	}
	if closer != "" {
		return nil, p.fault(p.tagAt, "{{"+closer+"}} closes nothing", "")
	}
	return &Template{nodes}, nil
}

// Rendered is a message for people, and the handles that it named.
type Rendered struct {
	Text    string
	Handles []Handle
}

// Render fills the message. Values never become handles or blocks.
func (t *Template) Render(v Values) Rendered {
	var r Rendered
	var b strings.Builder
	render(t.nodes, v, &b, &r.Handles)
	r.Text = strings.TrimSpace(cut(b.String(), maxText))
	return r
}

// Handles are all handles of the message, whatever renders.
func (t *Template) Handles() []Handle { return handlesIn(t.nodes) }

func handlesIn(nodes []node) (found []Handle) {
	for _, n := range nodes {
		switch n := n.(type) {
		case Handle:
			found = append(found, n)
		case block:
			found = append(append(found, handlesIn(n.then)...), handlesIn(n.or)...)
		}
	}
	return found
}

func render(nodes []node, v Values, b *strings.Builder, handles *[]Handle) {
	for _, n := range nodes {
		switch n := n.(type) {
		case text:
			b.WriteString(string(n))
		case variable:
			b.WriteString(printable(v.Variables[string(n)]))
		case Handle:
			*handles = append(*handles, n)
		case block:
			if v.Conditions[n.condition] != n.negated {
				render(n.then, v, b, handles)
			} else {
				render(n.or, v, b, handles)
			}
		}
	}
}

// printable drops control characters other than line feeds and tabs.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// cut shortens s to at most n bytes at a rune's boundary.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// parser is a recursive descent over the tags.
type parser struct {
	source string
	pos    int
	tagAt  int // where the tag begins that was read last
}

// sequence reads nodes up to the end or to a tag that closes or divides a block,
// which it returns.
func (p *parser) sequence(depth int) (nodes []node, closer string, err error) {
	if depth > maxDepth {
		return nil, "", p.fault(p.tagAt, "blocks are nested too deeply", "")
	}
	afterVariable := false
	for {
		start := p.pos
		tag, ok, err := p.nextTag()
		if err != nil {
			return nil, "", err
		}
		end := len(p.source)
		if ok {
			end = p.tagAt
		}
		pieces, err := p.splitText(start, end, afterVariable)
		if err != nil {
			return nil, "", err
		}
		nodes = append(nodes, pieces...)
		switch {
		case !ok:
			return nodes, "", nil
		case tag == "else" || strings.HasPrefix(tag, "/"):
			return nodes, tag, nil
		}
		n, err := p.node(tag, depth)
		if err != nil {
			return nil, "", err
		}
		_, afterVariable = n.(variable)
		if n != nil {
			nodes = append(nodes, n)
		}
	}
}

// nextTag moves past the next {{tag}} and returns what is in it.
func (p *parser) nextTag() (tag string, ok bool, err error) {
	at := strings.Index(p.source[p.pos:], "{{")
	if at < 0 {
		p.pos = len(p.source)
		return "", false, nil
	}
	p.tagAt = p.pos + at
	opener, closer := "{{", "}}"
	switch rest := p.source[p.tagAt:]; {
	case strings.HasPrefix(rest, "{{!--"):
		closer = "--}}"
	case strings.HasPrefix(rest, "{{{"):
		opener, closer = "{{{", "}}}"
	}
	inner := p.source[p.tagAt+len(opener):]
	end := strings.Index(inner, closer)
	if end < 0 {
		return "", false, p.fault(p.tagAt, opener+" is never closed", "close it with "+closer)
	}
	p.pos = p.tagAt + len(opener) + end + len(closer)
	return strings.TrimSpace(inner[:end]), true, nil
}

// node is what a tag stands for; nil for a comment.
func (p *parser) node(tag string, depth int) (node, error) {
	switch {
	case strings.HasPrefix(tag, "!"):
		return nil, nil
	case strings.HasPrefix(tag, "#"), strings.HasPrefix(tag, "^"):
		return p.block(tag, depth)
	}
	if !contains(variables, tag) {
		return nil, p.unknown("variable", tag, variables)
	}
	return variable(tag), nil
}

func (p *parser) block(tag string, depth int) (node, error) {
	opened := p.tagAt
	b := block{condition: strings.TrimSpace(tag[1:]), negated: tag[0] == '^'}
	if !contains(conditions, b.condition) {
		return nil, p.unknown("condition", b.condition, conditions)
	}
	var closer string
	var err error
	if b.then, closer, err = p.sequence(depth + 1); err != nil {
		return nil, err
	}
	if closer == "else" {
		if b.or, closer, err = p.sequence(depth + 1); err != nil {
			return nil, err
		}
	}
	want := "/" + b.condition
	switch {
	case closer == "":
		return nil, p.fault(opened, "{{"+tag+"}} is never closed", "close it with {{"+want+"}}")
	case strings.ReplaceAll(closer, " ", "") != want:
		return nil, p.fault(p.tagAt, "{{"+closer+"}} cannot stand here", "{{"+want+"}} is expected")
	}
	return b, nil
}

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

func (p *parser) unknown(kind, name string, names []string) error {
	hint := "there are " + strings.Join(names, ", ")
	if meant := nearest.Word(name, names); meant != "" {
		hint = "did you mean " + meant + "?"
	}
	return p.fault(p.tagAt, fmt.Sprintf("there is no %s %q", kind, name), hint)
}

// fault is an error about what stands at a byte offset.
func (p *parser) fault(at int, message, hint string) error {
	before := p.source[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return errs.Invalid("message: line %d, column %d: %s", line, column, message).With(errs.Violation{
		Field: "message", Message: message, Hint: hint, Line: line, Column: column,
	})
}
