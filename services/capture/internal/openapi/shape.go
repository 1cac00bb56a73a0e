package openapi

import (
	"encoding/json"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"time"
)

const (
	maxDepth      = 16
	maxProperties = 200
	// An object with more names than this, most of them rare, is a dictionary.
	dictionaryNames = 40
)

// shape is what values at one place had in common.
type shape struct {
	seen, nulls, booleans, integers, numbers, texts, arrays, objects int

	formats    map[string]int // of texts
	items      *shape
	properties map[string]*property
	many       bool // more names than are kept
}

type property struct {
	shape *shape
	seen  int
}

// add takes a value as encoding/json with UseNumber gives it.
func (s *shape) add(value any, depth int) {
	s.seen++
	switch v := value.(type) {
	case nil:
		s.nulls++
	case bool:
		s.booleans++
	case json.Number:
		s.addNumber(v)
	case string:
		s.addString(v)
	case []any:
		s.addArray(v, depth)
	case map[string]any:
		s.addObject(v, depth)
	}
}

func (s *shape) addNumber(n json.Number) {
	if _, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		s.integers++
		return
	}
	s.numbers++
}

func (s *shape) addString(text string) {
	if redacted(text) { // it may have been of any type
		return
	}
	s.texts++
	if s.formats == nil {
		s.formats = map[string]int{}
	}
	s.formats[formatOf(text)]++
}

func (s *shape) addArray(values []any, depth int) {
	s.arrays++
	if s.items == nil {
		s.items = &shape{}
	}
	if depth >= maxDepth {
		return
	}
	for _, v := range values {
		s.items.add(v, depth+1)
	}
}

func (s *shape) addObject(values map[string]any, depth int) {
	s.objects++
	if s.properties == nil {
		s.properties = map[string]*property{}
	}
	if depth >= maxDepth {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p := s.properties[name]
		if p == nil {
			if len(s.properties) >= maxProperties {
				s.many = true
				continue
			}
			p = &property{shape: &shape{}}
			s.properties[name] = p
		}
		p.seen++
		p.shape.add(values[name], depth+1)
	}
}

// addText takes a value that has no type of its own, from a path, query or header.
func (s *shape) addText(text string) {
	if redacted(text) {
		s.seen++
		return
	}
	switch {
	case text == "true", text == "false":
		s.add(text == "true", 0)
	case plainInteger.MatchString(text), plainNumber.MatchString(text):
		s.add(json.Number(text), 0)
	default:
		s.add(text, 0)
	}
}

var (
	plainInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)
	plainNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)\.[0-9]+$`)
	uuid         = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	absoluteURI  = regexp.MustCompile(`^https?://[^\s]+$`)
)

// formatOf is the format of JSON Schema that text has, or none.
func formatOf(text string) string {
	switch {
	case uuid.MatchString(text):
		return "uuid"
	case len(text) == len(time.DateOnly) && parses(time.DateOnly, text):
		return "date"
	case parses(time.RFC3339, text):
		return "date-time"
	case absoluteURI.MatchString(text):
		return "uri"
	}
	if a, err := mail.ParseAddress(text); err == nil && a.Address == text {
		return "email"
	}
	return ""
}

func parses(layout, text string) bool {
	_, err := time.Parse(layout, text)
	return err == nil
}

// dictionary tells an object whose names are data, as in {"user-17": …}.
func (s *shape) dictionary() bool {
	if s.many {
		return true
	}
	if len(s.properties) <= dictionaryNames {
		return false
	}
	rare := 0
	for _, p := range s.properties {
		if p.seen*10 < s.objects {
			rare++
		}
	}
	return rare*2 > len(s.properties)
}
