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
	for _, e := range examples {
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(e.query, "|", `\|`), e.finds)
	}
}

const introduction = `# Search

One language serves the inspector, monitors, dashboard widgets and the filter parameter of the API. It is Datadog's
log query syntax; status classes, units and relative times are additions. Queries written for Datadog with ngrok's
events work unchanged.

`

// examples must parse; the tests see to it.
var examples = []struct{ query, finds string }{
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
- An attribute that is not in the table below is reported as unknown, and no record has it.
- A query has at most 4 KiB, 32 levels, 256 tests, 16 wildcards and 16 full-text terms. Fuzzy terms, boosts, regular expressions and calculated fields do not exist.
`
