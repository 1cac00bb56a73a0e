// Package manifest reads and writes Sluice's configuration as YAML documents, so
// that it can live in git: one document a resource, "kind" first, the other
// fields as in the REST API. traffic_policy may be a text or a mapping.
//
// Ids in a manifest are names: a document whose id or natural key (an endpoint's
// URL, a channel's name, …) exists is updated, any other is created, and
// references to its id are followed to the id that it was given.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"gopkg.in/yaml.v3"

	"sluice.dev/platform/errs"
)

// Document is one resource of a manifest.
type Document struct {
	Kind    string
	Line    int // of its first line in the file
	Message proto.Message
	Mask    *fieldmaskpb.FieldMask // the fields that it names
}

// Parse reads every document of source and reports every wrong one.
func Parse(source []byte) ([]Document, error) {
	dec := yaml.NewDecoder(bytes.NewReader(source))
	var docs []Document
	fault := errs.Invalid("the manifest is not valid")
	for {
		var node yaml.Node
		err := dec.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errs.Invalid("the manifest is not YAML: %v", err).With(errs.Violation{Message: err.Error()})
		}
		doc, violation := parseDocument(&node)
		switch {
		case violation != nil:
			fault = fault.With(*violation)
		case doc != nil:
			docs = append(docs, *doc)
		}
	}
	if len(fault.Violations) > 0 {
		return nil, fault
	}
	slices.SortStableFunc(docs, func(a, b Document) int { return order(a.Kind) - order(b.Kind) })
	return docs, nil
}

func parseDocument(node *yaml.Node) (*Document, *errs.Violation) {
	if len(node.Content) == 0 || node.Content[0].Tag == "!!null" {
		return nil, nil
	}
	root := node.Content[0]
	at := func(n *yaml.Node, field, format string, args ...any) *errs.Violation {
		return &errs.Violation{Line: n.Line, Column: n.Column, Field: field, Message: fmt.Sprintf(format, args...)}
	}
	fields := map[string]any{}
	if err := root.Decode(&fields); err != nil {
		return nil, at(root, "", "a document is a mapping of fields: %v", err)
	}
	name, _ := fields["kind"].(string)
	k := kindNamed(name)
	if k == nil {
		v := at(root, "kind", "unknown kind %q", name)
		v.Hint = "kinds are " + strings.Join(kindNames(), ", ")
		return nil, v
	}
	delete(fields, "kind")
	if err := inlinePolicy(fields); err != nil {
		return nil, at(root, "traffic_policy", "%v", err)
	}
	msg := k.new()
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, at(root, "", "%v", err)
	}
	if err := protojson.Unmarshal(raw, msg); err != nil {
		field, text := explain(err)
		return nil, at(keyNode(root, field), field, "%s", text)
	}
	return &Document{Kind: name, Line: root.Line, Message: msg, Mask: maskOf(fields)}, nil
}

// inlinePolicy turns a mapping under traffic_policy into its text.
func inlinePolicy(fields map[string]any) error {
	policy, ok := fields["traffic_policy"].(map[string]any)
	if !ok {
		return nil
	}
	text, err := yaml.Marshal(policy)
	fields["traffic_policy"] = string(text)
	return err
}

func maskOf(fields map[string]any) *fieldmaskpb.FieldMask {
	mask := &fieldmaskpb.FieldMask{}
	for name := range fields {
		if name != "id" {
			mask.Paths = append(mask.Paths, name)
		}
	}
	slices.Sort(mask.Paths)
	return mask
}

// protojson names the field of a wrong value plainly and an unknown one in quotes.
var fieldInError = regexp.MustCompile(`(?:unknown field "([^"]+)"|field ([a-z0-9_]+))`)

// explain finds the field that protojson's error is about.
func explain(err error) (field, text string) {
	text = strings.TrimSpace(strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto:"))
	if i := strings.Index(text, "): "); i >= 0 {
		text = text[i+3:]
	}
	if m := fieldInError.FindStringSubmatch(text); m != nil {
		field = m[1] + m[2]
	}
	return field, text
}

// keyNode is the node of a field's name anywhere below root, or root.
func keyNode(root *yaml.Node, field string) *yaml.Node {
	if field == "" {
		return root
	}
	for i, n := range root.Content {
		if root.Kind == yaml.MappingNode && i%2 == 0 && n.Value == field {
			return n
		}
		if found := keyNode(n, field); found != n {
			return found
		}
	}
	return root
}
