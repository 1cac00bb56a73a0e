package search

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// Generators of random trees and records over one small vocabulary, so that
// tests and values often meet.

var (
	someText = rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom([]rune(`aAbBéÉσΣ_%\'"*?-./: =&+`+"\n\t日")), 0, 5, -1),
		rapid.SampledFrom([]string{"", "a", "A", "ab", "a b", "a_b", "GET", "POST", "host", "TLS 1.2", "TLS 1.3", "HTTP/1.1", "HTTP/2.0", "req_01", "allow", "block", "AND", "-1", "[a TO b]"}),
	)
	someNumber = rapid.SampledFrom([]int64{0, 1, 2, 199, 200, 404, 499, 500, 599, 1000, 1e6, 1500e6, 1 << 20})
	someAddr   = rapid.SampledFrom(addrs("10.1.2.3", "10.1.2.4", "10.200.0.1", "9.255.0.1", "192.0.2.1", "::1", "::1:2", "::1.2.3.4", "fd00::1", "2001:db8:0:1::", "ffff::"))
	someMember = rapid.SampledFrom([]string{"a", "b", "x-y", "é", "a b"})
	someTime   = rapid.Custom(func(t *rapid.T) int64 {
		return noon.UnixNano() + rapid.SampledFrom([]int64{0, 1, -1, 1e9, -1e9, 3600e9, -3600e9, 86400e9, -43200e9}).Draw(t, "offset")
	})
)

func addrs(texts ...string) []netip.Addr {
	list := make([]netip.Addr, len(texts))
	for i, s := range texts {
		list[i] = netip.MustParseAddr(s)
	}
	return list
}

func genNode(levels int) *rapid.Generator[node] {
	return rapid.Custom(func(t *rapid.T) node {
		kind := rapid.IntRange(0, 9).Draw(t, "kind")
		if levels == 0 {
			kind = min(kind, 5)
		}
		switch {
		case kind == 0:
			return genWords(t)
		case kind < 6:
			return genLeaf(t)
		case kind == 6:
			return negate(genNode(levels-1).Draw(t, "operand"))
		}
		return join(kind == 7, rapid.SliceOfN(genNode(levels-1), 2, 3).Draw(t, "operands"))
	})
}

func genWords(t *rapid.T) node {
	p := genPattern(t)
	if rapid.Bool().Draw(t, "plain") {
		p = literal(someText.Filter(func(s string) bool { return s != "" }).Draw(t, "words"))
	}
	return words{p, rapid.Bool().Draw(t, "everywhere")}
}

// genPattern makes one with a wildcard that is not the lone asterisk.
func genPattern(t *rapid.T) pattern {
	var p pattern
	for _, wild := range rapid.SliceOfN(rapid.SampledFrom([]byte("*?*")), 1, 2).Draw(t, "wildcards") {
		if s := someText.Draw(t, "text"); s != "" {
			p = p.addText(s)
		}
		p = p.addWild(wild)
	}
	if s := someText.Draw(t, "text"); s != "" || p.anything() {
		p = p.addText(s + "a")
	}
	return p
}

var searchable = slices.DeleteFunc(Fields(), func(f Field) bool { return f.Unsupported != "" })

func genLeaf(t *rapid.T) node {
	name := rapid.SampledFrom(searchable).Draw(t, "field").Name
	if rapid.IntRange(0, 30).Draw(t, "unknown") == 0 {
		return leaf{ref{member: "unknown"}, equal{value{text: someText.Draw(t, "text")}}}
	}
	if rapid.IntRange(0, 20).Draw(t, "attribute") == 0 {
		return genAttribute(t)
	}
	r := ref{field: byName[name]}
	switch {
	case strings.HasPrefix(name, "@traffic_policy.decisions"):
		r, _ = resolve(name + "." + rapid.SampledFrom([]string{"jwt", "webhook", "x"}).Draw(t, "action"))
	case r.field == nil: // a family
		r, _ = resolve(name + "." + someMember.Draw(t, "member"))
	default:
		r.member = r.field.member
	}
	return leaf{r, genTest(t, r.field)}
}

// genAttribute makes a test of what log entries may have.
func genAttribute(t *rapid.T) node {
	r := ref{member: rapid.SampledFrom([]string{"@a", "@a.b", "@traffic_policy.logs.metadata.n", "@n"}).Draw(t, "attribute")}
	text := rapid.SampledFrom([]string{"", "a", "-1", "2", "2.5", "x y", "true", "1e3"})
	switch rapid.IntRange(0, 4).Draw(t, "test") {
	case 0:
		return leaf{r, exists{}}
	case 1:
		return leaf{r, glob{genPattern(t)}}
	case 2:
		return leaf{r, matches{genRegexp(t)}}
	case 3:
		low, high := bound{true, value{text: text.Draw(t, "low")}, rapid.Bool().Draw(t, "closed")}, bound{true, value{text: text.Draw(t, "high")}, rapid.Bool().Draw(t, "closed")}
		return leaf{r, rapid.SampledFrom([]interval{{low: low}, {high: high}, {low: low, high: high}}).Draw(t, "interval")}
	}
	return leaf{r, equal{value{text: text.Draw(t, "value")}}}
}

// genRegexp makes one that is more than wildcards.
func genRegexp(t *rapid.T) *regexp.Regexp {
	text := rapid.SampledFrom([]string{
		`a|b`, `^a+$`, `(?i)A`, `[a-c]+`, `^.$`, `(?s)^.b`, `a.b`, `\d+`, `^\pL`, `[^a]`, `\bA\b`, `(?m)^a`, `^(GET|POST)$`, `x{2,3}`, `^$|b`, `é`, `(?i)É`, `\s`, `[[:upper:]]$`, `a\z`, `^\W`,
	}).Draw(t, "regexp")
	made, err := regexpTest(text)
	if err != nil {
		t.Fatal(err)
	}
	if m, ok := made.(matches); ok {
		return m.expr
	}
	return regexp.MustCompile(`a|bc`)
}

func genTest(t *rapid.T, f *Field) test {
	kind := rapid.IntRange(0, 4).Draw(t, "test")
	switch {
	case kind == 4 && (f.Type == Text || f.Type == Address) && f.numbers == "":
		return matches{genRegexp(t)}
	case kind == 0 && f.numbers == "": // status:* is about the status code
		return exists{}
	case f.Type == Text && kind == 1, f.Type == Address && kind == 1:
		return glob{genPatternFor(t, f)}
	case f.Type == Address && kind == 2:
		return genBlocks(t)
	case f.Type == Time, kind == 3 && f.Type != Boolean && (f.Type != Text || f.Ordered):
		return genInterval(t, f)
	}
	return equal{genValue(t, f)}
}

func genPatternFor(t *rapid.T, f *Field) pattern {
	p := genPattern(t)
	if f.AnyCase {
		p = p.fold(f.fold)
	}
	if f.numbers != "" { // a digit or a sign in front would make it the status code
		p = append(literal("e"), p...)
		if len(p) > 1 && p[1].wild == 0 {
			p = append(literal("e"+p[1].text), p[2:]...)
		}
	}
	if f.Type == Address {
		p = rapid.SampledFrom([]pattern{
			literal("10.").addWild('*'), literal("10.1.2.").addWild('?'), literal("::").addWild('*'),
			pattern(nil).addWild('*').addText("1"), pattern(nil).addWild('*').addText("."),
		}).Draw(t, "address")
	}
	return p
}

func genBlocks(t *rapid.T) blocks {
	return blocks{rapid.SliceOfN(rapid.Custom(func(t *rapid.T) netip.Prefix {
		addr := someAddr.Draw(t, "base")
		p, _ := addr.Prefix(rapid.IntRange(0, addr.BitLen()).Draw(t, "bits"))
		return p
	}), 1, 2).Draw(t, "blocks")}
}

func genInterval(t *rapid.T, f *Field) interval {
	genBound := func(low bool) bound {
		b := bound{true, genValue(t, f), rapid.Bool().Draw(t, "inclusive")}
		if f.Type == Time {
			b.inclusive = low
		}
		return b
	}
	made := interval{low: genBound(true), high: genBound(false)}
	switch rapid.IntRange(0, 2).Draw(t, "open") {
	case 0:
		made.low = bound{}
	case 1:
		made.high = bound{}
	}
	return made
}

func genValue(t *rapid.T, f *Field) value {
	switch f.Type {
	case Boolean:
		return value{number: rapid.Int64Range(0, 1).Draw(t, "boolean")}
	case Integer, Bytes, Duration:
		return value{number: rapid.OneOf(someNumber, rapid.Just(int64(-1))).Draw(t, "number")}
	case Address:
		return value{addr: someAddr.Draw(t, "address")}
	case Time:
		if rapid.Bool().Draw(t, "relative") {
			return value{number: -rapid.SampledFrom([]int64{0, 1, 1e9, 3600e9}).Draw(t, "ago"), toNow: true}
		}
		return value{number: someTime.Draw(t, "time")}
	}
	if len(f.Values) > 0 {
		return value{text: rapid.SampledFrom(f.Values).Draw(t, "value")}
	}
	text := someText.Draw(t, "value")
	if f.Constant != nil && rapid.Bool().Draw(t, "constant") {
		text = f.Constant[0]
	}
	if f.fold != nil {
		text = f.fold(text)
	}
	return value{text: text}
}

// genRow makes a record; every column that may be missing sometimes is.
var genRow = rapid.Custom(func(t *rapid.T) row {
	r := row{text: map[string]string{}, number: map[string]int64{}, addr: map[string]netip.Addr{}, headers: map[string]map[string][]string{}, lists: map[string][]string{}}
	for _, c := range columns {
		switch {
		case c.name == "ts":
			r.number[c.name] = someTime.Draw(t, c.name)
		case c.name == "query":
			r.text[c.name] = strings.Join(rapid.SliceOfN(genPair, 0, 3).Draw(t, c.name), "&")
		case c.name == "policy_decisions":
			r.headers[c.name] = rapid.MapOfN(rapid.SampledFrom([]string{"jwt", "webhook", "circuit_breaker", "ip_restriction"}), rapid.SliceOfN(someText, 1, 1), 0, 2).Draw(t, c.name)
		case c.name == "policy_logs":
			r.lists[c.name] = rapid.SliceOfN(genLog, 0, 2).Draw(t, c.name)
		case strings.HasPrefix(c.kind, "Array"):
			r.lists[c.name] = rapid.SliceOfN(someText, 0, 2).Draw(t, c.name)
		case strings.HasPrefix(c.kind, "Map"):
			r.headers[c.name] = rapid.MapOfN(someMember, rapid.SliceOfN(someText, 0, 2), 0, 3).Draw(t, c.name)
		case c.kind == "IPv6":
			if rapid.Bool().Draw(t, "has address") {
				r.addr[c.name] = someAddr.Draw(t, c.name)
			}
		case c.kind == "Bool":
			r.number[c.name] = rapid.Int64Range(0, 1).Draw(t, c.name)
		case strings.Contains(c.kind, "UInt16"):
			genOptional(t, r, c, 599)
		case strings.Contains(c.kind, "Int"):
			genOptional(t, r, c, 1<<40)
		default:
			r.text[c.name] = foldFor(c.name)(someText.Draw(t, c.name))
		}
	}
	return r
})

var genLog = rapid.Custom(func(t *rapid.T) string {
	return rapid.SampledFrom([]string{
		`{}`, `{"a":"a"}`, `{"a":{"b":"x y"}}`, `{"n":2}`, `{"n":-1,"a":true}`, `{"n":"2.5"}`, `{"a":null}`, `{"a":["a"]}`, `{"a":{"b":2}}`, `no json`, `{"a":"2","n":"\u00e9"}`, `{"n":1000}`, `[1]`,
	}).Draw(t, "log")
})

func genOptional(t *rapid.T, r row, c column, most int64) {
	if !strings.HasPrefix(c.kind, "Nullable") || rapid.Bool().Draw(t, "has number") {
		r.number[c.name] = min(someNumber.Draw(t, c.name), most)
	}
}

var genPair = rapid.Custom(func(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "%61", "x-y", "%C3%A9", "a+b", "%zz", ""}).Draw(t, "name") +
		rapid.SampledFrom([]string{"", "=", "=a", "=A", "=a+b", "=a%20b", "=%41", "=%4", "=%", "=a=b", "=%c3%89"}).Draw(t, "value")
})

// foldFor brings text to the form in which captures store the column.
func foldFor(name string) func(string) string {
	for _, f := range fields {
		if f.Column == name && f.AnyCase {
			return f.fold
		}
	}
	return strings.Clone
}
