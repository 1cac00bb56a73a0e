package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"gopkg.in/yaml.v3"

	"sluice.dev/cmd/sluice/internal/client"
)

// given by the server; no part of a manifest.
var outputOnly = []protoreflect.Name{"created_at", "updated_at", "revision", "status", "last_error", "last_success_at", "read_only", "policy_warnings"}

// Export writes everything that Apply can read back. Secrets are not in it: the
// gateway does not give them out, and Apply leaves stored ones alone.
func Export(ctx context.Context, c *client.Client, w io.Writer) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	for _, k := range kinds {
		all, err := readAll(ctx, c, k)
		if err != nil {
			return fmt.Errorf("list each %s: %w", k.name, err)
		}
		for _, m := range all {
			if isStock(m) {
				continue
			}
			node, err := node(k.name, m)
			if err != nil {
				return err
			}
			if err := enc.Encode(node); err != nil {
				return err
			}
		}
	}
	return enc.Close()
}

// isStock reports whether m came with Sluice and cannot be changed.
func isStock(m proto.Message) bool {
	f := m.ProtoReflect().Descriptor().Fields().ByName("read_only")
	return f != nil && m.ProtoReflect().Get(f).Bool()
}

// node is m as YAML, "kind" first, in the order of the proto's fields.
func node(kind string, m proto.Message) (*yaml.Node, error) {
	m = proto.Clone(m)
	for _, name := range outputOnly {
		if f := m.ProtoReflect().Descriptor().Fields().ByName(name); f != nil {
			m.ProtoReflect().Clear(f)
		}
	}
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, err
	}
	var doc yaml.Node // JSON is YAML; decoding to a node keeps the order
	if err := yaml.Unmarshal(compact.Bytes(), &doc); err != nil {
		return nil, err
	}
	root := doc.Content[0]
	plain(root)
	root.Content = append([]*yaml.Node{scalar("kind"), scalar(kind)}, root.Content...)
	return root, nil
}

// plain undoes JSON's quotes and braces where YAML needs none.
func plain(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.ScalarNode && bytes.ContainsRune([]byte(n.Value), '\n') {
		n.Style = yaml.LiteralStyle
	}
	for _, child := range n.Content {
		plain(child)
	}
}

func scalar(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }
