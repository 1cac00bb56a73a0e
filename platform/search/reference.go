package search

import (
	"fmt"
	"strings"
)

// Reference is the language's page of the documentation, in Markdown: the
// grammar by example, then the table of fields.
func Reference() string {
	var b strings.Builder
	b.WriteString(introduction)
	writeExamples(&b)
	b.WriteString(rules)
	writeTable(&b, celExamples)
	b.WriteString(celRules)
	b.WriteString("\n## Fields\n\n| Field | Other names | Type | Meaning |\n| --- | --- | --- | --- |\n")
	for _, f := range fields {
		if f.Unsupported == "" {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Names()[0], code(f.Names()[1:]), f.describeType(), f.Doc)
		}
	}
	b.WriteString("\n## Known, but not searchable\n\nA query that names one of these is refused.\n\n| Field | Why |\n| --- | --- |\n")
	for _, f := range fields {
		if f.Unsupported != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", code(f.Names()), f.Unsupported)
		}
	}
	return b.String()
}

func code(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "`, `") + "`"
}

func (f Field) describeType() string {
	text := string(f.Type)
	if f.Family || f.member != "" {
		text = "list of " + text
	}
	if f.AnyCase {
		text += ", any case"
	}
	if f.Ordered {
		text += ", ordered"
	}
	if len(f.Values) > 0 {
		text += ": " + strings.Join(f.Values, ", ")
	}
	return text
}

func writeExamples(b *strings.Builder) {
	b.WriteString("| Query | Finds |\n| --- | --- |\n")
	writeTable(b, examples)
}

func writeTable(b *strings.Builder, examples []example) {
	for _, e := range examples {
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(e.query, "|", `\|`), e.finds)
	}
}

const introduction = `# Search

One language serves the inspector, monitors, dashboard widgets and the filter parameter of the API. It is Datadog's
log query syntax; status classes, units and relative times are additions. Queries written for Datadog with ngrok's
events work unchanged.

`

type example struct{ query, finds string }

// examples must parse; the tests see to it.
var examples = []example{
	{`@http.status_code:500`, "answers with status 500"},
	{`status:5xx`, "answers with any status from 500 to 599"},
	{`status:error`, "what went wrong: 5xx, or no answer at all"},
	{`-@http.status_code:*`, "requests that never got an answer"},
	{`@http.status_code:[400 TO 499]`, "a range with its ends; braces leave an end out, and * leaves it open"},
	{`@http.status_code:(500 OR 502)`, "one of several values"},
	{`method:POST path:/api/*`, "both; the asterisk is any run of characters, and ? is one"},
	{`path:"/a b"`, "a value with a space; wildcards in quotes are plain characters"},
	{`method:(GET OR HEAD) -path:/health`, "a minus, ! or NOT excludes"},
	{`duration:>500ms`, "slow requests; units ns us ms s m h"},
	{`@http.response.body_length:>=1MiB`, "large answers; units B KB MB GB KiB MiB GiB"},
	{`header.content-type:application/json*`, "by a request header; resheader. is for the response"},
	{`query.page:2`, "by a parameter of the query string"},
	{`ip:10.0.0.0/8`, "clients in a block"},
	{`CIDR(@network.client.ip, 10.0.0.0/8, fd00::/8)`, "clients in one of several blocks"},
	{`date:>now-15m`, "the last quarter of an hour; also dates and RFC 3339 times"},
	{`timeout`, "a word of the message, which is method, host, path, query, status and error"},
	{`"connection refused"`, "words of the message next to each other"},
	{`*:hello`, "text anywhere: message, headers, bodies and the other text fields"},
	{`route:"/users/{id}"`, "requests of one route, whatever the id"},
	{`country:CH @ja4_fingerprint:t13d*`, "by the country of the client, if a database of places is there, and by its TLS"},
	{`@tenant.id:7`, "by what the log action of a policy noted"},
	{`a OR b c`, "a, or both b and c"},
}

const rules = `
## Rules

- NOT binds tightest, then AND, then OR; nothing between terms means AND. Operators are in upper case: ` + "`AND`, `OR`, `NOT`, or `&&`, `||`, `!`, `-`" + `.
- A value is compared whole and with its case, unless the field says otherwise. Words of free text compare without case.
- ` + "`field:*`" + ` finds records that have the field. An exclusion also finds records without it.
- A field with a list of values passes if any value does.
- There is no space after the colon. Quote a value, or put a backslash before a character, to keep its special meaning away: ` + "`( ) [ ] { } \" < > ~ ^ * ? : \\`" + `.
- A number after ` + "`field:`" + ` may have a sign; in a group of values the minus excludes, so quote a negative number there.
- Within quotes and without, dates are ` + "`2026-11-24`, `2026-11-24T10:00:00Z`" + ` or relative: ` + "`now-15m`, `now-7d`" + `.
- An attribute that is not in the table below is one of the entries of the log action: ` + "`@tenant.id:7`" + ` finds exchanges for which
  a policy logged metadata ` + "`{tenant: {id: 7}}`" + `. Texts, numbers and booleans can be searched, lists and objects cannot; a comparison or range
  with numbers compares numbers. The answer names attributes that no exchange of the time range has. Tags, without the @, have no values yet.
- The answer also has hints: what in the query is slow, because no index serves it.
- A query has at most 4 KiB, 32 levels, 256 tests, 16 wildcards and 16 full-text terms. Fuzzy terms, boosts and calculated fields do not exist; regular
  expressions do in CEL.

## CEL

A query that begins with ` + "`cel:`" + ` is an expression of the Common Expression Language. It finds the same as its form in the syntax above, and
` + "`GET /api/v1/exchanges:validate`" + ` tells each form of a query. What a search cannot say is refused, with its position.

| Expression | Finds |
| --- | --- |
`

var celExamples = []example{
	{`cel: req.method == "GET" && res.status_code >= 500`, "names are those of the Traffic Policy, of events, and of the table below without the @"},
	{`cel: ev.http.response.status_code in [500, 502]`, "ev. and object. may stand in front"},
	{`cel: req.url.path.startsWith("/api/") || req.url.path.contains("admin")`, "also endsWith"},
	{`cel: req.url.path.matches("^/v[0-9]+/users$")`, "a regular expression (RE2) of at most 512 bytes; without anchors it is found anywhere"},
	{`cel: "x-debug" in req.headers`, "requests with the header; has(req.headers.accept) is the same for plain names"},
	{`cel: req.headers["accept"].exists(v, v.startsWith("text/"))`, "any of the values; \"gzip\" in req.headers[\"accept-encoding\"] for one of them"},
	{`cel: inCidrRange(conn.client_ip, "10.0.0.0/8")`, "clients in a block"},
	{`cel: duration > duration("500ms") && ts > now - duration("1h")`, "durations, and times; also timestamp(\"2026-11-24T10:00:00Z\")"},
	{`cel: !has(res.status_code)`, "requests that never got an answer; == null is the same"},
	{`cel: words("timeout") && !anywhere("hel*o")`, "free text, with the wildcards * and ?"},
	{`cel: ev["tenant"] == "a"`, "any name of the search syntax"},
}

const celRules = `
A field that is missing is equal to nothing, so that != and ! are true of it. Fields with a list of values need in or exists. Fields that compare in
any case do so here, too; a regular expression sees the form that is stored: methods in upper case, hosts in lower case.
`
