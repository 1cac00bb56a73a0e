package trafficpolicy

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"sluice.dev/platform/trafficpolicy/expr"
)

// maxTokenBody bounds the body that a token is looked for in.
const maxTokenBody = 1 << 20 // bytes

// tokenSource says where a token is.
type tokenSource struct {
	kind, method string
	name, prefix *expr.Template
}

// foundText is what stands where a token should be.
type foundText struct{ name, text string }

func (s *tokenSource) find(r *Run) (foundText, error) {
	name, err := s.name.Render(&r.vars)
	if err != nil {
		return foundText{}, &failure{CodeTemplateFailed, err}
	}
	prefix, err := s.prefix.Render(&r.vars)
	if err != nil {
		return foundText{}, &failure{CodeTemplateFailed, err}
	}
	var values []string
	if s.method == "header" {
		if values = r.vars.Request.Header.Values(name); len(values) == 0 {
			return foundText{}, &failure{CodeTokenHeader, fmt.Errorf("jwt-validation: the request has no header %s", name)}
		}
	} else if values, err = bodyField(r, name); err != nil {
		return foundText{}, err
	}
	switch {
	case len(values) == 0 || values[0] == "":
		return foundText{}, &failure{CodeTokenNotFound, fmt.Errorf("jwt-validation: the %s field %s has no token", s.method, name)}
	case len(values) > 1: // the upstream might read the one that was not checked
		return foundText{}, &failure{CodeTokenMalformed, fmt.Errorf("jwt-validation: the %s field %s is there more than once", s.method, name)}
	case len(values[0]) < len(prefix) || !strings.EqualFold(values[0][:len(prefix)], prefix):
		return foundText{}, &failure{CodeTokenPrefix, fmt.Errorf("jwt-validation: the %s field %s does not begin with %q", s.method, name, prefix)}
	}
	return foundText{name, strings.TrimSpace(values[0][len(prefix):])}, nil
}

// bodyField returns the values of a field of a JSON object or a form.
func bodyField(r *Run, name string) ([]string, error) {
	switch r.vars.Request.Method {
	case "POST", "PUT", "PATCH":
	default:
		return nil, &failure{CodeTokenMethod, fmt.Errorf("jwt-validation: a %s request has no body to hold a token", r.vars.Request.Method)}
	}
	kind := mediaType(r.vars.Request.Header)
	var read func([]byte, string) ([]string, error)
	switch {
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		read = jsonField
	case kind == "application/x-www-form-urlencoded":
		read = formField
	case kind == "multipart/form-data":
		read = func(body []byte, name string) ([]string, error) {
			return multipartField(body, name, r.vars.Request.Header.Get("content-type"))
		}
	default:
		return nil, &failure{CodeTokenContentType, fmt.Errorf("jwt-validation: a body of type %q is neither JSON nor a form", kind)}
	}
	body, err := r.wholeRequest(maxTokenBody)
	if err != nil {
		return nil, err
	}
	return read(body, name)
}

var errNoObject = &failure{CodeTokenJSON, errors.New("jwt-validation: the body is not a JSON object")}

// jsonField reads the members of the outermost object one by one, because
// decoding it whole would hide members that are there twice.
func jsonField(body []byte, name string) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errNoObject
	}
	var out []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, errNoObject
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, errNoObject
		}
		if k, _ := key.(string); strings.EqualFold(k, name) {
			s, _ := value.(string)
			out = append(out, s)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errNoObject
	}
	return out, nil
}

func formField(body []byte, name string) ([]string, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &failure{CodeTokenForm, fmt.Errorf("jwt-validation: the form cannot be read: %w", err)}
	}
	return fold(form, name), nil
}

func multipartField(body []byte, name, contentType string) ([]string, error) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, &failure{CodeTokenForm, fmt.Errorf("jwt-validation: %w", err)}
	}
	// The body is in memory, so no part of it goes to a file.
	form, err := multipart.NewReader(bytes.NewReader(body), parameters["boundary"]).ReadForm(maxTokenBody)
	if err != nil {
		return nil, &failure{CodeTokenForm, fmt.Errorf("jwt-validation: the form cannot be read: %w", err)}
	}
	return fold(form.Value, name), nil
}

// fold collects the values of every spelling of a name.
func fold(fields map[string][]string, name string) []string {
	var out []string
	for key, values := range fields {
		if strings.EqualFold(key, name) {
			out = append(out, values...)
		}
	}
	return out
}

func decodeSegment(segment string) (map[string]any, error) {
	raw, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(raw, &out)
}
