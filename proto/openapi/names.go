package openapi

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "sluice.dev/proto/gen/sluice/capture/v1" // registers its descriptors
	_ "sluice.dev/proto/gen/sluice/events/v1"  // registers its descriptors
	_ "sluice.dev/proto/gen/sluice/policy/v1"  // registers its descriptors
	_ "sluice.dev/proto/gen/sluice/replay/v1"  // registers its descriptors
)

// packages are those of the services with a REST form.
var packages = []protoreflect.FullName{"sluice.policy.v1", "sluice.capture.v1", "sluice.replay.v1", "sluice.events.v1"}

// restMethods returns the methods by the generator's operation id.
func restMethods() (map[string]protoreflect.MethodDescriptor, error) {
	out := map[string]protoreflect.MethodDescriptor{}
	for _, pkg := range packages {
		protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(file protoreflect.FileDescriptor) bool {
			for i := range file.Services().Len() {
				service := file.Services().Get(i)
				for j := range service.Methods().Len() {
					m := service.Methods().Get(j)
					out[string(service.Name())+"_"+string(m.Name())] = m
				}
			}
			return true
		})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no service is linked in")
	}
	return out, nil
}

// renameSchemas gives the fields of all messages their proto names.
func renameSchemas(schemas object) error {
	for name, raw := range schemas {
		if !strings.HasPrefix(name, "sluice.") {
			continue
		}
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return fmt.Errorf("schema %s: %w", name, err)
		}
		if message, ok := found.(protoreflect.MessageDescriptor); ok {
			if err := renameFields(raw.(object), message); err != nil {
				return fmt.Errorf("schema %s: %w", name, err)
			}
		}
	}
	return nil
}

// renameFields gives the properties of one schema their proto names, and says
// of those that can be absent that they may be null.
func renameFields(schema object, message protoreflect.MessageDescriptor) error {
	properties, ok := schema["properties"].(object)
	if !ok {
		return nil
	}
	renamed := object{}
	for name, raw := range properties {
		field := message.Fields().ByJSONName(name)
		if field == nil {
			return fmt.Errorf("%s has no field %q", message.FullName(), name)
		}
		renamed[string(field.Name())] = nullable(raw.(object), field)
	}
	schema["properties"] = renamed
	delete(schema, "oneOf") // the generator repeats each oneof's fields here; the text of the API says that one is needed
	return nil
}

// nullable says that a field that can be absent is null when it is.
func nullable(property object, field protoreflect.FieldDescriptor) object {
	if !field.HasPresence() {
		return property
	}
	if kind, ok := property["type"].(string); ok {
		property["type"] = []any{kind, "null"}
		return property
	}
	description := property["description"]
	delete(property, "description")
	out := object{"oneOf": []any{property, object{"type": "null"}}}
	if description != nil {
		out["description"] = description
	}
	return out
}
