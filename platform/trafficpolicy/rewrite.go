package trafficpolicy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy/expr"
)

// rewriter replaces what from matches in a URL by to; redirect and url-rewrite
// share it. Without from, to replaces everything.
type rewriter struct {
	from  *expr.Template // nil: everything
	to    *expr.Template
	fixed *regexp.Regexp // from, when it is static
}

func (c *config) rewriter() rewriter {
	w := rewriter{to: c.text("to")}
	if !c.has("from") {
		return w
	}
	w.from = c.text("from")
	text, static := w.from.Static()
	if !static {
		return w
	}
	var err error
	if w.fixed, err = regexp.Compile(text); err != nil {
		c.fault("from", CodeValue, "is not a regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "the syntax is RE2")
	}
	if questionMark.MatchString(text) {
		c.compiler.warn(c.get("from").node, c.get("from").path, CodeValue, "? makes the character before it optional", `write \? to match the question mark before a query`)
	}
	return w
}

// questionMark finds a ? that was probably meant to start a query.
var questionMark = regexp.MustCompile(`\w\?\w+=`)

// apply returns the URL after the replacement and what from matched.
func (w *rewriter) apply(v *expr.Vars, original string) (result string, matches []string, err error) {
	to, err := w.to.Render(v)
	if err != nil {
		return "", nil, &failure{CodeTemplateFailed, err}
	}
	if w.from == nil {
		return escapeURL(to), nil, nil
	}
	re := w.fixed
	if re == nil {
		pattern, err := w.from.Render(v)
		if err != nil {
			return "", nil, &failure{CodeTemplateFailed, err}
		}
		if re, err = regexp.Compile(pattern); err != nil {
			return "", nil, &failure{CodeRegexp, errors.New(v.Hide(err.Error()))}
		}
	}
	result, matches = replaceMatches(re, original, to)
	return escapeURL(result), matches, nil
}

// replaceMatches puts to in the place of every match; $1 in it is a group.
func replaceMatches(re *regexp.Regexp, s, to string) (result string, matches []string) {
	var b strings.Builder
	last := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(s[last:m[0]])
		expand(&b, to, s, m)
		matches = append(matches, s[m[0]:m[1]])
		last = m[1]
	}
	b.WriteString(s[last:])
	return b.String(), matches
}

// expand writes to with $<digits> replaced by groups. Unlike regexp's own
// Expand, letters after the digits are not part of the name; $$ is a dollar.
func expand(b *strings.Builder, to, s string, m []int) {
	for i := 0; i < len(to); i++ {
		if to[i] != '$' || i+1 == len(to) {
			b.WriteByte(to[i])
			continue
		}
		if to[i+1] == '$' {
			b.WriteByte('$')
			i++
			continue
		}
		group, j := 0, i+1
		for ; j < len(to) && '0' <= to[j] && to[j] <= '9' && group < 1000; j++ {
			group = group*10 + int(to[j]-'0')
		}
		if j == i+1 {
			b.WriteByte('$')
			continue
		}
		if 2*group+1 < len(m) && m[2*group] >= 0 {
			b.WriteString(s[m[2*group]:m[2*group+1]])
		}
		i = j - 1
	}
}

// escapeURL percent-encodes what may not stand in a URL (RFC 3986 section 2) and
// leaves the rest as it is.
func escapeURL(s string) string {
	const legal = "-._~:/?#[]@!$&'()*+,;=%"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(legal, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// currentURL is the URL that rewriters work on: host normalized, path and query
// as sent.
func currentURL(r *message.Request) string {
	return strings.ToLower(r.Scheme) + "://" + expr.Authority(r) + r.Target
}

func matchList(matches []string) ref.Val {
	return types.NewStringList(types.DefaultTypeAdapter, matches)
}
