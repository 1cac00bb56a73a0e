package native

import (
	"fmt"
	"strconv"
	"strings"
)

// layout is how a column type's values lie in a block.
type layout int

const (
	fixedWidth layout = iota
	text
	nullable
	array
	tuple
	lowCardinality
)

// columnType is as much of a type as finding a column's extent needs.
type columnType struct {
	layout layout
	width  uint64 // bytes per value of a fixed-width type
	of     []*columnType
}

// typeCache keeps the types that a session has met.
type typeCache map[string]*columnType

const maxCachedTypes = 1000

func (c typeCache) parse(name string) (*columnType, error) {
	if t, ok := c[name]; ok {
		return t, nil
	}
	t, err := parseType(name, 0)
	if err != nil {
		return nil, err
	}
	if len(c) < maxCachedTypes {
		c[name] = t
	}
	return t, nil
}

var widths = map[string]uint64{
	"Nothing": 1, "Bool": 1, "Int8": 1, "UInt8": 1, "Enum8": 1,
	"Int16": 2, "UInt16": 2, "Enum16": 2, "Date": 2, "BFloat16": 2,
	"Int32": 4, "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "Time": 4, "IPv4": 4, "Decimal32": 4,
	"Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Time64": 8, "Decimal64": 8,
	"Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16, "Decimal128": 16,
	"Int256": 32, "UInt256": 32, "Decimal256": 32,
}

var aliases = map[string]string{
	"Point":           "Tuple(Float64, Float64)",
	"Ring":            "Array(Point)",
	"LineString":      "Array(Point)",
	"MultiLineString": "Array(LineString)",
	"Polygon":         "Array(Ring)",
	"MultiPolygon":    "Array(Polygon)",
}

const maxTypeDepth = 32

func parseType(name string, depth int) (*columnType, error) {
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("a column type is nested deeper than %d", maxTypeDepth)
	}
	base, args, err := splitType(strings.TrimSpace(name))
	if err != nil {
		return nil, err
	}
	if width, ok := widths[base]; ok {
		return &columnType{layout: fixedWidth, width: width}, nil
	}
	if alias, ok := aliases[base]; ok {
		return parseType(alias, depth+1)
	}
	if strings.HasPrefix(base, "Interval") {
		return &columnType{layout: fixedWidth, width: 8}, nil
	}
	return parseCompound(name, base, args, depth)
}

func parseCompound(name, base string, args []string, depth int) (*columnType, error) {
	switch {
	case base == "String" && len(args) == 0:
		return &columnType{layout: text}, nil
	case base == "FixedString" && len(args) == 1:
		return parseFixedString(args[0])
	case base == "Decimal" && len(args) >= 1:
		return parseDecimal(args[0])
	case base == "Nullable" && len(args) == 1:
		return compound(nullable, args, depth)
	case base == "Array" && len(args) == 1:
		return compound(array, args, depth)
	case base == "LowCardinality" && len(args) == 1:
		return parseLowCardinality(args, depth)
	case base == "Tuple" && len(args) > 0:
		return compound(tuple, elementTypes(args), depth)
	case base == "Map" && len(args) == 2:
		return arrayOfTuple(args, depth)
	case base == "Nested" && len(args) > 0:
		return arrayOfTuple(elementTypes(args), depth)
	case base == "SimpleAggregateFunction" && len(args) >= 2:
		return parseType(args[len(args)-1], depth+1)
	}
	return nil, fmt.Errorf("columns of type %s are not supported by the embedded ClickHouse server: cast the column to another type", name)
}

func compound(l layout, args []string, depth int) (*columnType, error) {
	t := &columnType{layout: l}
	for _, arg := range args {
		element, err := parseType(arg, depth+1)
		if err != nil {
			return nil, err
		}
		t.of = append(t.of, element)
	}
	return t, nil
}

// arrayOfTuple is the layout of Map and Nested.
func arrayOfTuple(args []string, depth int) (*columnType, error) {
	element, err := compound(tuple, args, depth+1)
	if err != nil {
		return nil, err
	}
	return &columnType{layout: array, of: []*columnType{element}}, nil
}

// parseLowCardinality drops Nullable from the type of the dictionary: there
// the null is an entry, not a map.
func parseLowCardinality(args []string, depth int) (*columnType, error) {
	t, err := compound(lowCardinality, args, depth)
	if err != nil {
		return nil, err
	}
	if t.of[0].layout == nullable {
		t.of = t.of[0].of
	}
	return t, nil
}

func parseFixedString(size string) (*columnType, error) {
	width, err := strconv.ParseUint(size, 10, 32)
	if err != nil || width == 0 {
		return nil, fmt.Errorf("FixedString(%s) has no valid length", size)
	}
	return &columnType{layout: fixedWidth, width: width}, nil
}

func parseDecimal(precision string) (*columnType, error) {
	p, err := strconv.Atoi(precision)
	if err != nil || p < 1 || p > 76 {
		return nil, fmt.Errorf("Decimal(%s) has no valid precision", precision)
	}
	width := uint64(32)
	switch {
	case p <= 9:
		width = 4
	case p <= 18:
		width = 8
	case p <= 38:
		width = 16
	}
	return &columnType{layout: fixedWidth, width: width}, nil
}

// elementTypes drops the names of named tuple elements: "a UInt8" is "UInt8".
func elementTypes(args []string) []string {
	types := make([]string, len(args))
	for i, arg := range args {
		types[i] = arg
		if at := topLevel(arg, ' '); at >= 0 {
			types[i] = strings.TrimSpace(arg[at:])
		}
	}
	return types
}
