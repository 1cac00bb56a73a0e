package search

import (
	"slices"
	"strings"
)

// Type says how a field's values are read and compared.
type Type string

// The types of fields.
const (
	Text     Type = "text"
	Integer  Type = "integer"
	Bytes    Type = "bytes"
	Duration Type = "duration"
	Boolean  Type = "boolean"
	Address  Type = "ip"
	Time     Type = "time"
)

// Field is one row of the table of searchable fields.
type Field struct {
	Name  string   // canonical: Datadog's name, with its "@"
	Short string   // what people type; empty: none
	Event string   // path in the exported event; "@" or "@object." in front makes it a name
	Also  []string // further names

	Type     Type
	AnyCase  bool     // letters compare without case
	Ordered  bool     // text that <, > and ranges work on, byte by byte
	Family   bool     // Name is followed by "." and a member's name; a member has a list of values
	Classes  bool     // 5xx stands for 500 to 599
	Values   []string // the only values there are; empty: any
	Constant []string // every record has this value, which answers to each of these spellings

	// Column is the column of the capture, or for a derived field the ClickHouse
	// expression over columns. Empty for constants and unsupported fields.
	Column string
	// Unsupported says which capability is missing. Such a field is known, so that
	// a query naming it is refused rather than silently empty.
	Unsupported string

	Suggest []string // values, or what may stand in their place, that completion offers beside Values

	Facet   bool // worth listing its top values
	Measure bool // usable in aggregates
	Doc     string

	absent        absence
	fold          func(string) string // brings a literal to the stored form; nil: as it is
	member        string              // the fixed member of a map column
	anyCaseMember bool                // members are stored in lower case
	scalar        bool                // Column is a map whose members have one value, not a list
	array         bool                // Column is a list
	query         bool                // Column is the query string and a member is a parameter of it
	derive        func(Record) string // the derived field in memory
	numbers       string              // the field that a value that is no word belongs to
	bare          map[string]string   // by name: the unit of a bare number, "" demands one
}

// absence says how a column spells that it has no value.
type absence int

const (
	never absence = iota // always present, if only as an empty string
	null                 // Nullable
	empty                // ''
	zero                 // 0, or the unspecified address
)

// Names lists every name the field answers to, the canonical one first. Names
// of a family end in ".NAME".
func (f Field) Names() []string {
	names := []string{f.Name}
	if f.Short != "" {
		names = append(names, f.Short)
	}
	if f.Event != "" && "@"+f.Event != f.Name {
		names = append(names, "@"+f.Event)
	}
	if f.Event != "" {
		names = append(names, "@object."+f.Event)
	}
	names = append(names, f.Also...)
	if f.Family {
		for i := range names {
			names[i] += ".NAME"
		}
	}
	return names
}

// Fields returns the table, for reference pages and for completion.
func Fields() []Field { return slices.Clone(fields) }

// Lookup finds the field that name, an alias or a canonical name, stands for,
// and for a member of a family the member's name.
func Lookup(name string) (f Field, member string, ok bool) {
	r, ok := resolve(name)
	if !ok {
		return Field{}, "", false
	}
	return *r.field, r.member, true
}

// ref is a resolved field. A nil field is a name the table does not know: an
// attribute that entries of the log action may have, or a tag, which no capture has.
type ref struct {
	field  *Field
	member string // of a family; the whole name when field is nil
}

var byName, families = index()

func index() (names, families map[string]*Field) {
	names, families = map[string]*Field{}, map[string]*Field{}
	for i := range fields {
		f := &fields[i]
		for _, n := range f.Names() {
			if prefix, ok := strings.CutSuffix(n, "NAME"); ok && f.Family {
				families[prefix] = f
			} else {
				names[n] = f
			}
		}
	}
	return names, families
}

func resolve(name string) (ref, bool) {
	if f, ok := byName[name]; ok {
		return ref{field: f, member: f.member}, true
	}
	for prefix, f := range families {
		if member, ok := strings.CutPrefix(name, prefix); ok && member != "" {
			if f.anyCaseMember {
				member = lowerASCII(member)
			}
			return ref{field: f, member: member}, true
		}
	}
	return ref{member: name}, false
}

// name is the canonical spelling.
func (r ref) name() string {
	switch {
	case r.field == nil:
		return escapePath(r.member)
	case r.field.Family:
		return r.field.Name + "." + escapePath(r.member)
	}
	return r.field.Name
}

// list reports whether the field has any number of values.
func (r ref) list() bool {
	return r.field != nil && (r.member != "" || r.field.array) || r.attribute()
}
