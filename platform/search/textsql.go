package search

// TextSQL is the ClickHouse expression of the field's value as text, ” where it is
// missing: for grouping and for counting different values. member is the member of
// a family, as [Lookup] returns it; bind makes a text a parameter and returns its
// placeholder. Of a field with several values it is the first.
func (f Field) TextSQL(member string, bind func(text string) string) string {
	switch {
	case len(f.Constant) > 0:
		return bind(f.Constant[0])
	case f.array:
		return "toString(" + f.Column + "[1])"
	case f.query:
		return "decodeURLFormComponent(extractURLParameter(concat('?', query), " + bind(member) + "))"
	case f.scalar:
		return "toString(" + f.Column + "[" + bind(member) + "])"
	case member != "":
		return f.Column + "[" + bind(member) + "][1]"
	case f.Type == Address:
		return "if(" + f.Column + " = toIPv6('::'), '', " + textOf(&f) + ")"
	case f.absent == zero:
		return "if(" + f.Column + " = 0, '', toString(" + f.Column + "))"
	}
	return "ifNull(toString(" + f.Column + "), '')"
}
