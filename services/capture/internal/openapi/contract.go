package openapi

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"sluice.dev/platform/errs"
)

// Contract is an OpenAPI document that somebody wrote.
type Contract struct {
	root     object
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema // by pointer; nil for what is no schema
	bases    []string                      // paths of the servers
	routes   []*documentedPath
}

// documentedPath is one entry of "paths".
type documentedPath struct {
	path       string
	segments   []string
	pointer    string
	operations map[string]*documentedOperation // by method, in lower case
}

type documentedOperation struct {
	pointer    string
	parameters []documentedParameter
	body       object // of the request; nil when none is documented
	bodyAt     string // its pointer
	responses  object
}

type documentedParameter struct {
	name, in string
	required bool
	pointer  string // of the schema; empty when there is none
}

// documentURL names the document for references within it.
const documentURL = "sluice:///openapi.json"

// noLoader keeps documents from reading files and URLs.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s: only references within the document are followed", url)
}

// ReadContract reads an OpenAPI document of version 3.0 or 3.1, in JSON or YAML.
func ReadContract(text string) (*Contract, error) {
	var root any
	if err := yaml.Unmarshal([]byte(text), &root); err != nil { // JSON is YAML
		return nil, errs.InvalidField("document", "it is neither JSON nor YAML: %v", err)
	}
	doc, ok := plain(root).(object)
	if !ok {
		return nil, errs.InvalidField("document", "an OpenAPI document is an object")
	}
	version, _ := doc["openapi"].(string)
	switch {
	case strings.HasPrefix(version, "3.0."):
		modernise(doc)
	case !strings.HasPrefix(version, "3.1."):
		e := errs.InvalidField("document", "its field openapi is %q", version)
		e.Violations[0].Hint = "OpenAPI 3.0 and 3.1 are understood"
		return nil, e
	}
	c := &Contract{root: doc, compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	c.compiler.UseLoader(noLoader{})
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := c.compiler.AddResource(documentURL, doc); err != nil {
		return nil, errs.InvalidField("document", "%v", err)
	}
	if err := c.readPaths(); err != nil {
		return nil, err
	}
	c.readServers()
	return c, nil
}

// plain makes of YAML's values those of JSON.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = plain(value)
		}
		return v
	case map[any]any: // names that are numbers, as statuses often are
		out := object{}
		for name, value := range v {
			out[fmt.Sprint(name)] = plain(value)
		}
		return out
	case []any:
		for i, value := range v {
			v[i] = plain(value)
		}
		return v
	case uint64:
		return float64(v)
	case time.Time: // an unquoted date in an example
		return v.Format(time.RFC3339)
	}
	return v
}

// modernise turns the schemas of OpenAPI 3.0 into those of 3.1: nullable and the
// boolean forms of exclusive bounds.
func modernise(v any) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			modernise(one)
		}
	case object:
		if typ, ok := v["type"].(string); ok && v["nullable"] == true {
			v["type"] = []any{typ, "null"}
			delete(v, "nullable")
			if values, ok := v["enum"].([]any); ok && !slices.Contains(values, nil) {
				v["enum"] = append(values, nil)
			}
		}
		bound(v, "exclusiveMinimum", "minimum")
		bound(v, "exclusiveMaximum", "maximum")
		for _, one := range v {
			modernise(one)
		}
	}
}

func bound(schema object, exclusive, plain string) {
	flag, ok := schema[exclusive].(bool)
	if !ok {
		return
	}
	delete(schema, exclusive)
	if limit, has := schema[plain]; flag && has {
		schema[exclusive] = limit
		delete(schema, plain)
	}
}

func (c *Contract) readServers() {
	servers, _ := c.root["servers"].([]any)
	for _, s := range servers {
		one, _ := s.(object)
		url, _ := one["url"].(string)
		if _, rest, ok := strings.Cut(url, "://"); ok {
			_, path, _ := strings.Cut(rest, "/")
			url = "/" + path
		}
		if base := strings.TrimSuffix(url, "/"); base != "" && !slices.Contains(c.bases, base) {
			c.bases = append(c.bases, base)
		}
	}
}

func (c *Contract) readPaths() error {
	paths, ok := c.root["paths"].(object)
	if !ok {
		return errs.InvalidField("document", "it has no paths")
	}
	for _, path := range sorted(paths) {
		pointer := "/paths/" + escaped(path)
		item, pointer, err := c.resolve(paths[path], pointer)
		if err != nil {
			return err
		}
		p := &documentedPath{path: path, segments: strings.Split(path, "/"), pointer: pointer, operations: map[string]*documentedOperation{}}
		for _, method := range []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"} {
			op, ok := item[method].(object)
			if !ok {
				continue
			}
			if p.operations[method], err = c.readOperation(op, pointer+"/"+method, item, pointer); err != nil {
				return err
			}
		}
		c.routes = append(c.routes, p)
	}
	// Concrete paths win over templated ones (OpenAPI 3.1, Paths Object).
	slices.SortStableFunc(c.routes, func(a, b *documentedPath) int { return a.parameters() - b.parameters() })
	return nil
}

func (p *documentedPath) parameters() (n int) { return strings.Count(p.path, "{") }

func (c *Contract) readOperation(op object, pointer string, item object, itemPointer string) (*documentedOperation, error) {
	out := &documentedOperation{pointer: pointer}
	for _, from := range []struct {
		list    any
		pointer string
	}{{op["parameters"], pointer}, {item["parameters"], itemPointer}} {
		list, _ := from.list.([]any)
		for i, raw := range list {
			p, at, err := c.resolve(raw, fmt.Sprintf("%s/parameters/%d", from.pointer, i))
			if err != nil {
				return nil, err
			}
			out.addParameter(p, at)
		}
	}
	if raw, ok := op["requestBody"]; ok {
		body, at, err := c.resolve(raw, pointer+"/requestBody")
		if err != nil {
			return nil, err
		}
		out.body, out.bodyAt = body, at
	}
	out.responses, _ = op["responses"].(object)
	return out, nil
}

// addParameter leaves those of the path out that the operation has already.
func (o *documentedOperation) addParameter(p object, pointer string) {
	name, _ := p["name"].(string)
	in, _ := p["in"].(string)
	required, _ := p["required"].(bool)
	if slices.ContainsFunc(o.parameters, func(known documentedParameter) bool { return known.name == name && known.in == in }) {
		return
	}
	one := documentedParameter{name: name, in: in, required: required}
	if _, ok := p["schema"].(object); ok {
		one.pointer = pointer + "/schema"
	}
	o.parameters = append(o.parameters, one)
}

// resolve follows references within the document.
func (c *Contract) resolve(v any, pointer string) (object, string, error) {
	for range 16 {
		o, ok := v.(object)
		if !ok {
			return nil, "", errs.InvalidField("document", "%s is no object", pointer)
		}
		ref, ok := o["$ref"].(string)
		if !ok {
			return o, pointer, nil
		}
		at, ok := strings.CutPrefix(ref, "#")
		if !ok {
			return nil, "", errs.InvalidField("document", "%s refers to %s; only references within the document are followed", pointer, ref)
		}
		if v = c.at(at); v == nil {
			return nil, "", errs.InvalidField("document", "%s refers to %s, which does not exist", pointer, ref)
		}
		pointer = at
	}
	return nil, "", errs.InvalidField("document", "%s refers to itself", pointer)
}

// at follows a JSON pointer (RFC 6901).
func (c *Contract) at(pointer string) any {
	var v any = c.root
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch in := v.(type) {
		case object:
			v = in[strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func escaped(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// check says how value differs from the schema at pointer; empty when it does not.
func (c *Contract) check(pointer string, value any) string {
	schema, ok := c.schemas[pointer]
	if !ok {
		// One that cannot be read finds nothing; its document says more than it means.
		schema, _ = c.compiler.Compile(documentURL + "#" + fragment(pointer))
		c.schemas[pointer] = schema
	}
	if schema == nil {
		return ""
	}
	var wrong *jsonschema.ValidationError
	if err := schema.Validate(value); errors.As(err, &wrong) {
		return firstCause(wrong, value)
	}
	return ""
}

// fragment is a JSON pointer as part of a URL (RFC 6901 section 6).
func fragment(pointer string) string {
	return strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D", " ", "%20", "^", "%5E", "|", "%7C", `"`, "%22", "<", "%3C", ">", "%3E", "`", "%60", `\`, "%5C").Replace(pointer)
}
