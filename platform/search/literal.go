package search

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// literal reads text as a value of the field; name is how the field was written.
func (r ref) literal(name, text string) (value, error) {
	f := r.field
	if f == nil {
		return value{text: text}, nil
	}
	switch f.Type {
	case Integer:
		n, err := parseNumber(text, nil, "")
		return value{number: n}, err
	case Bytes:
		n, err := parseNumber(text, byteUnits, "B")
		return value{number: n}, err
	case Duration:
		unit, given := f.bare[name]
		if !given {
			unit = "ns"
		}
		n, err := parseNumber(text, durationUnits, unit)
		return value{number: n}, err
	case Boolean:
		return parseBool(text)
	case Address:
		addr, ok := parseAddr(text)
		if !ok {
			return value{}, &valueError{message: "no IP address: " + text, expected: "an address such as 192.0.2.1 or a block such as 10.0.0.0/8"}
		}
		return value{addr: addr}, nil
	}
	return f.textLiteral(text)
}

func (f *Field) textLiteral(text string) (value, error) {
	if f.fold != nil {
		text = f.fold(text)
	}
	if len(f.Values) > 0 && !slices.Contains(f.Values, text) {
		return value{}, &valueError{message: fmt.Sprintf("%s is never %q", f.Name, text), expected: "one of " + strings.Join(f.Values, ", ")}
	}
	return value{text: text}, nil
}

func parseBool(text string) (value, error) {
	switch text {
	case "true":
		return value{number: 1}, nil
	case "false":
		return value{}, nil
	}
	return value{}, &valueError{message: "no boolean: " + text, expected: "true or false"}
}

// unit is a name and how many of the base unit it is, largest first.
type unit struct {
	name string
	size int64
}

var durationUnits = []unit{
	{"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"µs", 1e3}, {"ns", 1},
}

var byteUnits = []unit{
	{"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"KB", 1e3}, {"kB", 1e3}, {"B", 1},
}

// parseNumber reads a decimal number with a unit. The unit of a bare number is
// bare; if that is empty although there are units, one is demanded. The result
// must be whole in the base unit.
func parseNumber(text string, units []unit, bare string) (int64, error) {
	digits := strings.TrimLeft(text, "+-")
	number := text[:len(text)-len(strings.TrimLeft(digits, "0123456789."))]
	name := text[len(number):]
	n, ok := new(big.Rat).SetString(number)
	if !ok || len(number) == 0 {
		return 0, numberError("no number: "+text, units)
	}
	if name == "" {
		name = bare
	}
	if len(units) > 0 || name != "" {
		i := slices.IndexFunc(units, func(u unit) bool { return u.name == name })
		switch {
		case i < 0 && name == "":
			return 0, numberError("the number "+text+" needs a unit here", units)
		case i < 0:
			return 0, numberError("no number: "+text, units)
		}
		n.Mul(n, new(big.Rat).SetInt64(units[i].size))
	}
	if !n.IsInt() || !n.Num().IsInt64() {
		return 0, numberError(text+" is not a whole number of 64 bits", units)
	}
	return n.Num().Int64(), nil
}

func numberError(message string, units []unit) error {
	if len(units) == 0 {
		return &valueError{message: message, expected: "a whole number"}
	}
	var names []string
	for _, u := range slices.Backward(units) {
		if u.name != "µs" && u.name != "kB" {
			names = append(names, u.name)
		}
	}
	return &valueError{message: message, expected: "a number with one of the units " + strings.Join(names, " ")}
}

// withUnit writes n ns with the largest unit that keeps it whole.
func withUnit(n int64) string {
	for _, u := range durationUnits {
		if n%u.size == 0 && n != 0 {
			return fmt.Sprintf("%d%s", n/u.size, u.name)
		}
	}
	return "0ns"
}
