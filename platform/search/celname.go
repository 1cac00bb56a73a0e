package search

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// policyNames are the names of the Traffic Policy, and the fields they stand for.
// Of several for one field the first is how it is printed. Besides these, each name
// of the search syntax may be written without its "@".
var policyNames = []struct{ cel, field string }{
	{"req.method", "@http.method"},
	{"req.url.path", "@http.url_details.path"},
	{"req.url.raw", "@http.url"},
	{"req.url", "@http.url"},
	{"req.url.scheme", "@http.url_details.scheme"},
	{"req.url.host", "@http.url_details.host"},
	{"req.host", "@http.url_details.host"},
	{"req.url.port", "@http.url_details.port"},
	{"req.url.query", "@http.url_details.query"},
	{"req.version", "@http.version"},
	{"req.content_length", "@http.request.body_length"},
	{"res.status_code", "@http.status_code"},
	{"res.content_length", "@http.response.body_length"},
	{"conn.tls.version", "@tls.version"},
	{"conn.tls.cipher_suite", "@tls.cipher_suite"},
	{"conn.tls.sni", "@conn.server_name"},
	{"conn.geo.country_code", "@network.client.geoip.country.iso_code"},
	{"ts", "@timestamp"},
	{"duration", "@duration"},
}

// policyFamilies are followed by the name of a member.
var policyFamilies = []struct{ cel, field string }{
	{"req.headers", "@http.request.headers"},
	{"res.headers", "@http.response.headers"},
	{"req.url.query_params", "@http.url_details.queryString"},
}

// roots are variables that hold the whole record.
var roots = []string{"ev", "object"}

// path is the name that a chain of selections spells. Indexing with a text selects,
// and indexing a root takes the text as a name of the search syntax.
func (c *cel) path(e ast.Expr) (segments []string, ok bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return []string{strings.TrimPrefix(e.AsIdent(), ".")}, true
	case ast.SelectKind:
		segments, ok = c.path(e.AsSelect().Operand())
		return append(segments, e.AsSelect().FieldName()), ok
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index || len(call.Args()) != 2 || call.Args()[1].Kind() != ast.LiteralKind {
			return nil, false
		}
		key, isText := call.Args()[1].AsLiteral().(types.String)
		segments, ok = c.path(call.Args()[0])
		return append(segments, string(key)), ok && isText && key != ""
	}
	return nil, false
}

// searchName is the name in the search syntax of what segments spell.
func searchName(segments []string, quoted bool) string {
	rooted := len(segments) > 1 && slices.Contains(roots, segments[0])
	if rooted && quoted && len(segments) == 2 {
		return segments[1]
	}
	if rooted {
		segments = segments[1:]
	}
	name := strings.Join(segments, ".")
	for _, p := range policyNames {
		if name == p.cel {
			if p.cel == "duration" {
				return name // which demands a unit
			}
			return p.field
		}
	}
	for _, p := range policyFamilies {
		if member, ok := strings.CutPrefix(name, p.cel+"."); ok {
			return p.field + "." + member
		}
	}
	if _, known := resolve(name); known {
		return name
	}
	return "@" + name
}

// subject is the field that an expression names.
func (c *cel) subject(e ast.Expr) (target, error) {
	if e.Kind() == ast.IdentKind && e.AsIdent() == c.variable && c.variable != "" {
		return c.element, nil
	}
	segments, ok := c.path(e)
	if !ok {
		return target{}, c.refuse(e, "this names no field", "a field, such as req.method", "a value of a list is tested by exists, as in req.headers[\"accept\"].exists(v, v.startsWith(\"text/\"))")
	}
	name := searchName(segments, e.Kind() == ast.CallKind)
	if err := c.checkLiteral(e, name); err != nil {
		return target{}, err
	}
	if name == messageColumn || name == "@"+messageColumn {
		return target{}, c.refuse(e, "the message is searched by words", "words(\"text\")", "")
	}
	if f := familyOf(segments); f != nil {
		return target{}, c.refuse(e, name+" has members", "a member, such as "+strings.Join(segments, ".")+"[\"name\"]", "")
	}
	start, end := c.span(e)
	return c.target(name, start, end)
}

// familyOf is the family whose name segments spell, without a member.
func familyOf(segments []string) *Field {
	if len(segments) > 1 && slices.Contains(roots, segments[0]) {
		segments = segments[1:]
	}
	name := strings.Join(segments, ".")
	for _, p := range policyFamilies {
		if name == p.cel {
			return families[p.field+"."]
		}
	}
	if f := families[name+"."]; f != nil {
		return f
	}
	return families["@"+name+"."]
}

// celName is how a field is named in CEL.
func (r ref) celName() string {
	if r.field == nil {
		if name, ok := strings.CutPrefix(r.member, "@"); ok && isCELPath(name) && searchName(strings.Split(name, "."), false) == r.member {
			return name
		}
		return "ev[" + celQuote(r.member) + "]"
	}
	name := strings.TrimPrefix(r.field.Name, "@")
	if r.field.Event != "" {
		name = r.field.Event
	}
	for _, p := range slices.Concat(policyNames, policyFamilies) {
		if p.field == r.field.Name {
			name = p.cel
			break
		}
	}
	if r.field.Family {
		return name + "[" + celQuote(r.member) + "]"
	}
	return name
}

// celWords are no names in CEL.
var celWords = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
	"package", "namespace", "null", "return", "true", "var", "void", "while",
}

// isCELPath reports whether CEL reads a name as it is.
func isCELPath(name string) bool {
	for segment := range strings.SplitSeq(name, ".") {
		plain := strings.IndexFunc(segment, func(r rune) bool { return !isPlainRune(r) }) < 0
		if segment == "" || !plain || segment[0] <= '9' || slices.Contains(celWords, segment) {
			return false
		}
	}
	return !slices.Contains(roots, name)
}
