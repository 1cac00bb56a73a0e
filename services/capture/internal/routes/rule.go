package routes

import (
	"slices"
	"strings"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// rule is a template that an operator wrote.
type rule struct {
	template string
	endpoint string   // empty: all
	segments []string // "" for a parameter
	open     bool     // it ends in {name...}
	literals int
}

// ruleSet is the rules by endpoint, and under "" those for all; the best first.
type ruleSet map[string][]rule

func newRuleSet(all []*capturev1.RouteRule) ruleSet {
	set := ruleSet{}
	var general []rule
	for _, r := range all {
		parsed, err := parseRule(r)
		if err != nil {
			continue // stored by a version that knew more
		}
		if r.GetEndpointId() == "" {
			general = append(general, parsed)
		}
		set[r.GetEndpointId()] = append(set[r.GetEndpointId()], parsed)
	}
	for endpoint, rules := range set {
		if endpoint != "" {
			rules = append(rules, general...)
		}
		slices.SortStableFunc(rules, better)
		set[endpoint] = rules
	}
	return set
}

// better puts first the rule with the most literal segments; of two alike the one of
// the endpoint, then the longer one, then the older one.
func better(a, b rule) int {
	switch {
	case a.literals != b.literals:
		return b.literals - a.literals
	case (a.endpoint == "") != (b.endpoint == ""):
		return strings.Compare(b.endpoint, a.endpoint)
	case a.open != b.open && a.open:
		return 1
	case a.open != b.open:
		return -1
	}
	return len(b.segments) - len(a.segments)
}

func (s ruleSet) match(endpoint, path string) (template string, ok bool) {
	if len(s) == 0 {
		return "", false
	}
	rules, own := s[endpoint]
	if !own {
		rules = s[""]
	}
	for i := range rules {
		if rules[i].matches(path) {
			return rules[i].template, true
		}
	}
	return "", false
}

// matches compares segment by segment; a slash at the end of the path does not count.
func (r *rule) matches(path string) bool {
	rest := strings.TrimPrefix(path, "/")
	for _, want := range r.segments {
		var text string
		text, rest, _ = strings.Cut(rest, "/")
		if text == "" || want != "" && want != text {
			return false
		}
	}
	return (rest != "") == r.open
}

// parseRule reads a template: segments of text, {name} for any one segment and, at
// the end, {name...} for at least one more.
func parseRule(r *capturev1.RouteRule) (rule, error) {
	out := rule{template: r.GetTemplate(), endpoint: r.GetEndpointId()}
	body := strings.TrimPrefix(r.GetTemplate(), "/")
	if body == "" {
		return out, nil
	}
	parts := strings.Split(body, "/")
	if len(parts) > maxSegments {
		return out, invalid("it has %d segments, and there may be %d", len(parts), maxSegments)
	}
	for i, part := range parts {
		name, isParameter := strings.CutPrefix(part, "{")
		name, closed := strings.CutSuffix(name, "}")
		name, open := strings.CutSuffix(name, "...")
		switch {
		case part == "":
			return out, invalid("a segment is empty")
		case !strings.ContainsAny(part, "{}"):
			out.segments = append(out.segments, part)
			out.literals++
		case !isParameter || !closed || !isName(name):
			return out, invalid("the segment %q is no text and no parameter", part)
		case open && i < len(parts)-1:
			return out, invalid("%q is not at the end", part)
		case open:
			out.open = true
		default:
			out.segments = append(out.segments, "")
		}
	}
	return out, nil
}

func isName(name string) bool {
	return name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func invalid(format string, args ...any) error {
	e := errs.InvalidField("rule.template", format, args...)
	e.Violations[0].Hint = "such as /users/{id} or /files/{path...}: a parameter is a whole segment, its name letters, digits and _"
	return e
}

// shapeOfRule is what no two rules of an endpoint may share.
func shapeOfRule(r *capturev1.RouteRule) string {
	parsed, err := parseRule(r)
	if err != nil {
		return r.GetEndpointId() + " " + r.GetTemplate()
	}
	shape := r.GetEndpointId() + " "
	for _, s := range parsed.segments {
		if s == "" {
			s = "{}"
		}
		shape += "/" + s
	}
	if parsed.open {
		shape += "/{...}"
	}
	return shape
}
