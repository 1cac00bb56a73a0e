package openapi

import "slices"

type object = map[string]any

// schema is the shape in JSON Schema 2020-12. A shape without values says nothing.
func (s *shape) schema() object {
	if s == nil {
		return object{}
	}
	var types []any
	out := object{}
	add := func(n int, name string) {
		if n > 0 {
			types = append(types, name)
		}
	}
	add(s.objects, "object")
	add(s.arrays, "array")
	add(s.texts, "string")
	if s.numbers > 0 {
		add(s.numbers, "number") // integers are numbers
	} else {
		add(s.integers, "integer")
	}
	add(s.booleans, "boolean")
	add(s.nulls, "null")
	switch len(types) {
	case 0:
		return out
	case 1:
		out["type"] = types[0]
	default:
		out["type"] = types
	}
	if s.objects > 0 {
		s.describeObject(out)
	}
	if s.arrays > 0 {
		out["items"] = s.items.schema()
	}
	if format := s.format(); format != "" {
		out["format"] = format
	}
	return out
}

// format is the one that all texts have.
func (s *shape) format() string {
	for format, n := range s.formats {
		if n == s.texts {
			return format
		}
	}
	return ""
}

func (s *shape) describeObject(out object) {
	if s.dictionary() {
		values := &shape{}
		for _, p := range s.properties {
			values.merge(p.shape)
		}
		out["additionalProperties"] = values.schema()
		return
	}
	properties, required := object{}, []string{}
	for name, p := range s.properties {
		properties[name] = p.shape.schema()
		if p.seen == s.objects {
			required = append(required, name)
		}
	}
	out["properties"] = properties
	if len(required) > 0 {
		slices.Sort(required)
		out["required"] = required
	}
}

// merge adds what another shape saw.
func (s *shape) merge(o *shape) {
	s.seen += o.seen
	s.nulls += o.nulls
	s.booleans += o.booleans
	s.integers += o.integers
	s.numbers += o.numbers
	s.texts += o.texts
	s.arrays += o.arrays
	s.objects += o.objects
	s.many = s.many || o.many
	for format, n := range o.formats {
		if s.formats == nil {
			s.formats = map[string]int{}
		}
		s.formats[format] += n
	}
	if o.items != nil {
		if s.items == nil {
			s.items = &shape{}
		}
		s.items.merge(o.items)
	}
	for name, p := range o.properties {
		if s.properties == nil {
			s.properties = map[string]*property{}
		}
		if s.properties[name] == nil {
			s.properties[name] = &property{shape: &shape{}}
		}
		s.properties[name].seen += p.seen
		s.properties[name].shape.merge(p.shape)
	}
}
