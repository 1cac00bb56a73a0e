package trafficpolicy

import (
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

// jsonLoader reads valid JSON into YAML nodes. YAML's own parser refuses some
// JSON (surrogate pairs, tabs) and this one keeps duplicate keys to report.
type jsonLoader struct {
	text    string
	decoder *json.Decoder
	line    int // of offset seen
	start   int // offset of that line
	seen    int
}

// loadJSON needs text that is valid JSON.
func loadJSON(text string) *yaml.Node {
	l := &jsonLoader{text: text, decoder: json.NewDecoder(strings.NewReader(text)), line: 1}
	l.decoder.UseNumber()
	return l.value()
}

func (l *jsonLoader) value() *yaml.Node {
	n := l.position()
	token, err := l.decoder.Token()
	if err != nil {
		return n
	}
	switch t := token.(type) {
	case json.Delim:
		l.aggregate(n, t)
	case string:
		n.Kind, n.Tag, n.Value, n.Style = yaml.ScalarNode, "!!str", t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!int", t.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!bool", "false"
		if t {
			n.Value = "true"
		}
	case nil:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!null", "null"
	}
	return n
}

func (l *jsonLoader) aggregate(n *yaml.Node, open json.Delim) {
	n.Kind, n.Tag, n.Style = yaml.MappingNode, "!!map", yaml.FlowStyle
	if open == '[' {
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	}
	for l.decoder.More() {
		n.Content = append(n.Content, l.value())
		if open == '{' {
			n.Content = append(n.Content, l.value())
		}
	}
	_, _ = l.decoder.Token() // the closing bracket; the text is known to be valid
}

// position makes a node where the next token starts.
func (l *jsonLoader) position() *yaml.Node {
	at := int(l.decoder.InputOffset())
	for at < len(l.text) && strings.IndexByte(" \t\r\n,:", l.text[at]) >= 0 {
		at++
	}
	for ; l.seen < at; l.seen++ {
		if l.text[l.seen] == '\n' {
			l.line++
			l.start = l.seen + 1
		}
	}
	return &yaml.Node{Line: l.line, Column: at - l.start + 1}
}
