// Package openapi is the description of Sluice's REST API, for programs. The
// generator describes gRPC-Gateway's defaults; this package turns its output
// into what Sluice's gateway really does: snake_case names, one path per
// resource, our error shape, our status codes, bearer tokens.
package openapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice.dev/proto"
)

// object is one JSON object of the document.
type object = map[string]any

// Document returns the OpenAPI 3.1 document as JSON. It fails only when the
// generated document and the linked descriptors do not fit together.
func Document() ([]byte, error) {
	var doc object
	if err := json.Unmarshal(proto.OpenAPI, &doc); err != nil {
		return nil, fmt.Errorf("read the generated document: %w", err)
	}
	methods, err := restMethods()
	if err != nil {
		return nil, err
	}
	schemas := child(child(doc, "components"), "schemas")
	if err := renameSchemas(schemas); err != nil {
		return nil, err
	}
	paths, err := mergePaths(child(doc, "paths"), methods)
	if err != nil {
		return nil, err
	}
	doc["paths"] = paths
	delete(schemas, "google.rpc.Status")
	delete(schemas, "google.api.HttpBody") // those answers are bytes, see fileResponse
	dropEmptyAnswers(schemas)
	schemas["sluice.Error"] = errorSchema()
	child(doc, "components")["securitySchemes"] = object{
		"api_key": object{"type": "http", "scheme": "bearer", "description": "Token of an API key. A gateway that listens on loopback only needs none, unless told otherwise."},
	}
	doc["security"] = []any{object{"api_key": []any{}}}
	doc["info"] = object{"title": "Sluice", "version": "v1", "description": "Endpoints, recorded traffic, replay, exports, monitors and dashboards of a Sluice gateway."}
	return json.MarshalIndent(doc, "", "  ")
}

// mergePaths puts the operations of one resource under one path:
// /endpoints/{endpoint.id} joins /endpoints/{id}.
func mergePaths(paths object, methods map[string]protoreflect.MethodDescriptor) (object, error) {
	merged := object{}
	for path, item := range paths {
		target := child(merged, shortVariables(path))
		for verb, raw := range item.(object) {
			op := raw.(object)
			method, ok := methods[text(op, "operationId")]
			if !ok {
				return nil, fmt.Errorf("%s %s: no method is called %q", verb, path, op["operationId"])
			}
			if err := fixOperation(op, method); err != nil {
				return nil, fmt.Errorf("%s %s: %w", verb, path, err)
			}
			target[verb] = op
		}
	}
	return merged, nil
}

// shortVariables makes {endpoint.id} of a path {id}.
func shortVariables(path string) string {
	parts := strings.Split(path, "{")
	for i, p := range parts[1:] {
		name, rest, _ := strings.Cut(p, "}")
		parts[i+1] = lastPart(name) + "}" + rest
	}
	return strings.Join(parts, "{")
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// dropEmptyAnswers removes the messages of answers that have no body.
func dropEmptyAnswers(schemas object) {
	for name := range schemas {
		if strings.HasPrefix(lastPart(name), "Delete") {
			delete(schemas, name)
		}
	}
}

// child returns the object at key, and makes it when it is missing.
func child(o object, key string) object {
	c, ok := o[key].(object)
	if !ok {
		c = object{}
		o[key] = c
	}
	return c
}

func text(o object, key string) string {
	s, _ := o[key].(string)
	return s
}
