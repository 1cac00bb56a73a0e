package trafficpolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// load reads YAML or JSON into nodes that know their positions.
func load(text string) (*yaml.Node, *Problem) {
	if len(text) > MaxSource {
		return nil, unparseable(1, fmt.Sprintf("the document is longer than %d bytes", MaxSource), "")
	}
	if trimmed := strings.TrimLeft(text, " \t\r\n"); strings.HasPrefix(trimmed, "{") && json.Valid([]byte(text)) {
		return loadJSON(text), nil
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var doc yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, unparseable(1, "the document is empty", "a policy is a mapping of phases, such as on_http_request: [...]")
		}
		return nil, syntaxProblem(text, err)
	}
	var next yaml.Node
	if err := decoder.Decode(&next); err == nil {
		return nil, unparseable(next.Line, "a second YAML document follows the first", "put all phases into one document")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxProblem(text, err)
	}
	if len(doc.Content) == 0 {
		return nil, unparseable(1, "the document is empty", "")
	}
	return doc.Content[0], nil
}

func unparseable(line int, message, hint string) *Problem {
	return &Problem{Line: line, Column: 1, Code: CodeUnparseable, Message: message, Hint: hint, Severity: Error}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// syntaxProblem explains yaml's error; its line counts from 1 and is at times
// one too small.
func syntaxProblem(text string, err error) *Problem {
	message := err.Error()
	line := 1
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
	}
	p := unparseable(line, "YAML: "+strings.TrimPrefix(message, "yaml: "), "")
	lines := strings.Split(text, "\n")
	for i := max(line-1, 0); i < min(line+1, len(lines)); i++ {
		if column := strings.Index(lines[i], "- !"); column >= 0 {
			p.Line, p.Column, p.Hint = i+1, column+3, tagHint
			return p
		}
		if strings.HasPrefix(strings.TrimLeft(lines[i], " "), "\t") {
			p.Hint = "YAML is indented with spaces, not tabs"
		}
	}
	return p
}

const tagHint = "YAML reads a leading ! as a tag; put the expression in quotes: - \"!...\""

// checkNodes walks the whole document once: aliases, tags, duplicate keys,
// depth and size.
func (c *compiler) checkNodes(n *yaml.Node, path string, depth int) {
	c.nodes++
	switch {
	case c.nodes > maxNodes:
		c.nodesExceeded(n)
		return
	case depth > maxNesting:
		if !c.tooBig {
			c.report(n, path, CodeNesting, fmt.Sprintf("nested more than %d levels deep", maxNesting), "")
		}
		c.tooBig = true
		return
	case n.Kind == yaml.AliasNode:
		c.checkNodes(n.Alias, path, depth+1)
		return
	case c.source.bang(n):
		c.report(n, path, CodeConfig, "YAML drops the ! before the text", tagHint)
		return
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		c.report(n, path, CodeConfig, fmt.Sprintf("YAML reads %s as a tag", n.Tag), tagHint)
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			c.checkNodes(item, index(path, i), depth+1)
		}
	case yaml.MappingNode:
		c.checkMapping(n, path, depth)
	}
}

func (c *compiler) nodesExceeded(n *yaml.Node) {
	if !c.tooBig {
		c.report(n, "", CodeUnparseable, fmt.Sprintf("the document has more than %d values, aliases counted each time", maxNodes), "")
	}
	c.tooBig = true
}

func (c *compiler) checkMapping(n *yaml.Node, path string, depth int) {
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch line, dup := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			c.report(key, path, CodeConfig, "a key must be a plain text", "")
		case key.Value == "<<" && key.Tag == "!!merge":
			c.report(key, path, CodeConfig, "merge keys (<<) are not part of the language", "write the fields out")
		case dup:
			c.report(key, join(path, key.Value), CodeDuplicate, fmt.Sprintf("%s is given twice", key.Value), fmt.Sprintf("the first is in line %d", line))
		}
		seen[key.Value] = key.Line
		c.checkNodes(value, join(path, key.Value), depth+1)
	}
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
