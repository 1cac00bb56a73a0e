package openapi

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// fixOperation makes one operation say what the gateway does.
func fixOperation(op object, method protoreflect.MethodDescriptor) error {
	name := string(method.Name())
	op["operationId"] = name
	params, _ := op["parameters"].([]any)
	for _, raw := range params {
		fixParameter(raw.(object), method.Input())
	}
	if body, ok := op["requestBody"].(object); ok {
		if err := renameFields(bodySchema(body), method.Input()); err != nil {
			return err
		}
	}
	responses := child(op, "responses")
	responses["default"] = jsonResponse("Refused or failed.", object{"$ref": "#/components/schemas/sluice.Error"})
	switch {
	case strings.HasPrefix(name, "Create"):
		responses["201"] = responses["200"]
		delete(responses, "200")
		responses["201"].(object)["description"] = "Created."
	case strings.HasPrefix(name, "Delete"):
		delete(responses, "200")
		responses["204"] = object{"description": "Deleted."}
	case method.Output().FullName() == "google.api.HttpBody":
		responses["200"] = fileResponse()
	case method.IsStreamingServer():
		op["parameters"] = append(params, lastEventID())
		responses["200"] = eventStream(method.Output().Fields().Get(0).Message())
	default:
		responses["200"].(object)["description"] = "Done."
	}
	return nil
}

// fixParameter renames a parameter the way fields are named everywhere else.
func fixParameter(p object, input protoreflect.MessageDescriptor) {
	name := lastPart(text(p, "name"))
	if f := input.Fields().ByJSONName(name); f != nil && p["in"] == "query" {
		name = string(f.Name())
	}
	p["name"] = name
}

func bodySchema(body object) object {
	return child(child(child(body, "content"), "application/json"), "schema")
}

func jsonResponse(description string, schema object) object {
	return object{"description": description, "content": object{"application/json": object{"schema": schema}}}
}

// fileResponse is an answer that is no message of the API but bytes of some type.
func fileResponse() object {
	schema := object{"type": "string", "format": "binary"}
	return object{"description": "The content, with its own content type.", "content": object{"*/*": object{"schema": schema}}}
}

// lastEventID is how a client of server-sent events resumes.
func lastEventID() object {
	return object{
		"name": "Last-Event-ID", "in": "header", "required": false, "schema": object{"type": "string"},
		"description": "Id of the last event received: the stream goes on after it. Wins over position.",
	}
}

func eventStream(message protoreflect.MessageDescriptor) object {
	return object{
		"description": "Server-sent events named \"exchange\". The id of each is its position; its data is one exchange as JSON. Lines that begin with a colon keep the connection alive. An event named \"error\" carries an error and ends the stream.",
		"content": object{"text/event-stream": object{
			"schema": object{"$ref": "#/components/schemas/" + string(message.FullName())},
		}},
	}
}

// errorSchema is the one shape of all errors.
func errorSchema() object {
	str := func(description string) object { return object{"type": "string", "description": description} }
	num := func(description string) object {
		return object{"type": "integer", "format": "int32", "description": description}
	}
	violation := object{"type": "object", "required": []any{"field", "message"}, "properties": object{
		"field":   str("Path of the field at fault."),
		"message": str("What is wrong."),
		"hint":    str("What would be right."),
		"line":    num("1-based line in the field's text."),
		"column":  num("1-based column, in characters."),
		"code":    str("Stable code, such as SLUICE_2203."),
	}}
	detail := object{"type": "object", "required": []any{"code", "reason", "message", "status", "violations", "request_id"}, "properties": object{
		"code":       str("gRPC code, such as INVALID_ARGUMENT."),
		"reason":     str("Stable name of the failure, such as UNKNOWN_FIELD."),
		"message":    str("Text for people."),
		"status":     num("HTTP status."),
		"violations": object{"type": "array", "items": violation},
		"request_id": str("Names this request in the gateway's log."),
	}}
	return object{"type": "object", "required": []any{"error"}, "properties": object{"error": detail}}
}
